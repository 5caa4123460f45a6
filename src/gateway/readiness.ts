/** Whether the gateway could do its work now. */
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import { ask, type Deps } from './deps.ts';

const ASK_MS = 2_000;
/** A poll lasts at most a minute, so a worker that lives has asked within this time. */
const POLL_MS = 70_000;
/** temporal.api.enums.v1.TaskQueueType */
const WORKFLOW_QUEUE = 1;

export interface Readiness {
  readonly temporal: boolean;
  readonly workers: boolean;
}

export async function readiness(deps: Pick<Deps, 'client' | 'taskQueue'>): Promise<Readiness> {
  try {
    return { temporal: true, workers: await ask(deps, () => somebodyPolls(deps), ASK_MS) };
  } catch {
    return { temporal: false, workers: false };
  }
}

async function somebodyPolls({ client, taskQueue }: Pick<Deps, 'client' | 'taskQueue'>): Promise<boolean> {
  const { namespace } = client.temporal.options;
  const { pollers } = await client.temporal.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: WORKFLOW_QUEUE,
  });
  return (pollers ?? []).some(({ lastAccessTime }) => Date.now() - (optionalTsToMs(lastAccessTime) ?? 0) < POLL_MS);
}
