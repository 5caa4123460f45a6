/** The smallest workflow that runs a Job and takes it away when it is cancelled: as the samples of Temporal's SDK do it. */
import { CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { CommandTask } from '../../../src/contract.ts';
import type { Activities } from './activities.ts';

const { createJob, deleteJob } = proxyActivities<Activities>({ startToCloseTimeout: '10m' });
const { waitForJob } = proxyActivities<Activities>({ startToCloseTimeout: '1d', heartbeatTimeout: '1m' });

export async function runJob(job: string, task: CommandTask): Promise<void> {
  try {
    await createJob(job, task);
    await waitForJob(job);
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => deleteJob(job));
    throw error;
  }
}
