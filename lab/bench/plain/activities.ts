/** At their best: one watch for all Jobs, no request more than the floor makes. */
import { Context } from '@temporalio/activity';
import type { CommandTask } from '../../../src/contract.ts';
import type { Eyes } from '../eyes.ts';
import type { RawJobs } from '../raw-jobs.ts';

/** Half of the longest that an answer to a cancel may take; the workflow does not wait for it. Milliseconds. */
const HEARTBEAT_MS = 20_000;

export function createActivities(raw: RawJobs, eyes: Eyes) {
  return {
    createJob: (job: string, task: CommandTask): Promise<void> => raw.create(job, task),
    waitForJob: async (job: string): Promise<void> => {
      const { cancelled, heartbeat } = Context.current();
      const beating = setInterval(() => heartbeat(), HEARTBEAT_MS);
      try {
        await Promise.race([eyes.when(job, 'jobComplete', 86_400), cancelled]);
      } finally {
        clearInterval(beating);
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
