/** Whether a worker lives, as Temporal sees it: who asked for work on a task queue, and when. */
import type { Client } from '@temporalio/client';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';

/** A poll lasts at most a minute, so a worker that lives has asked within this time. Milliseconds. */
const POLL_MS = 70_000;
/** temporal.api.enums.v1.TaskQueueType */
const WORKFLOW_QUEUE = 1;

export interface Polled {
  /** When somebody last asked. Milliseconds since 1970; 0: nobody lately. */
  readonly last: number;
  /** Whether somebody did who lives. */
  readonly now: boolean;
}

export async function polled({ options, workflowService }: Client, queue: string, now: number): Promise<Polled> {
  const { pollers } = await workflowService.describeTaskQueue({
    namespace: options.namespace,
    taskQueue: { name: queue },
    taskQueueType: WORKFLOW_QUEUE,
  });
  const last = Math.max(0, ...(pollers ?? []).map(({ lastAccessTime }) => optionalTsToMs(lastAccessTime) ?? 0));
  return { last, now: now - last <= POLL_MS };
}
