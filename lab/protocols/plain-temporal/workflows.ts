/** As the samples of Temporal's TypeScript SDK do it: activities, and a shielded clean-up in the catch. */
import { CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { Activities } from './activities.ts';

const { createJob, deleteJob } = proxyActivities<Activities>({ startToCloseTimeout: '30s' });
const { waitForJob } = proxyActivities<Activities>({ startToCloseTimeout: '1h', heartbeatTimeout: '10s' });

export async function runJob(id: string): Promise<void> {
  try {
    await createJob(id);
    await waitForJob(id);
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => deleteJob(id));
    throw error;
  }
}
