/** A workflow that runs a Job, and takes it away when it is cancelled, as the samples of Temporal's SDK do it. */
import { ActivityCancellationType, CancellationScope, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { CommandTask } from '../../../src/contract.ts';
import type { Activities } from './activities.ts';

const { createJob, waitForJob, deleteJob } = proxyActivities<Activities>({
  startToCloseTimeout: '30m',
  // Goes on at once, while the wait is still there.
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  // What fails is told, and not measured.
  retry: { maximumAttempts: 1 },
});

export async function runJob(job: string, task: CommandTask): Promise<void> {
  try {
    await createJob(job, task);
    await waitForJob(job);
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => deleteJob(job));
    throw error;
  }
}
