/** The activities of the sample: the same careful calls to Kubernetes as the other baselines make. */
import { heartbeat, sleep } from '@temporalio/activity';
import type { Jobs } from '../jobs.ts';

export function createActivities(jobs: Jobs) {
  return {
    createJob: (id: string): Promise<void> => jobs.create(id),
    deleteJob: async (id: string): Promise<void> => {
      await jobs.kill(id);
    },
    waitForJob: async (id: string): Promise<void> => {
      while (await jobs.isLive(id)) {
        heartbeat();
        await sleep('1s');
      }
    },
  };
}

export type Activities = ReturnType<typeof createActivities>;
