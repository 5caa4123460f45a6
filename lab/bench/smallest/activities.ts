/** With as few requests as can be: to Kubernetes those of the floor, to Temporal no heartbeat. */
import { CompleteAsyncError } from '@temporalio/activity';
import type { CommandTask } from '../../../src/contract.ts';
import type { Eyes } from '../eyes.ts';
import type { RawJobs } from '../raw-jobs.ts';

export function createActivities(raw: RawJobs, eyes: Eyes) {
  return {
    createJob: (job: string, task: CommandTask): Promise<void> => raw.create(job, task),
    waitForJob: async (job: string): Promise<void> => {
      const over = new AbortController();
      try {
        await Promise.race([
          eyes.when(job, 'jobComplete', over.signal),
          eyes.when(job, 'jobGone', over.signal).then(leave),
        ]);
      } finally {
        over.abort();
      }
    },
    /** And says so when no Pod is left. */
    deleteJob: async (job: string): Promise<void> => {
      await raw.delete(job);
      await eyes.when(job, 'podGone');
    },
  };
}

export type Activities = ReturnType<typeof createActivities>;

/** Its workflow was cancelled and waits no more: no answer is one request less. */
function leave(): never {
  throw new CompleteAsyncError();
}
