/**
 * Every activity's timing, in one table; no default decides how we cancel. (The SDK documents another default of
 * cancellationType than it has: temporalio/sdk-typescript#2442.)
 *
 * | activity | queue  | one attempt | heartbeat | retries          | on cancel                               |
 * |----------|--------|-------------|-----------|------------------|-----------------------------------------|
 * | provision| tasks  | 30 s        | 5 s       | for ever, to 30 s| wait: its answer says what to undo      |
 * | admit    | tasks  | 30 s        | 5 s       | for ever, to 30 s| wait                                    |
 * | reserve  | tasks  | 30 s        | 5 s       | for ever, to 30 s| wait                                    |
 * | start    | tasks  | 30 s        | 5 s       | for ever, to 30 s| wait                                    |
 * | queue    | follow | 30 days     | 60 s      | for ever, to 10 s| leave at once: it only reads            |
 * | follow   | tasks *| the timeout | 60 s      | for ever, to 10 s| leave at once: it only reads            |
 * | release  | tasks  | 5 min       | 30 s      | for ever, to 10 s| never cancelled: only fenced.ts calls it|
 * | sweep    | tasks  | 1 hour      | 10 s      | 3 in all         | wait; the next sweep goes on            |
 * | holders  | tasks  | 5 min       | 10 s      | for ever, to 30 s| leave at once: it only reads            |
 * | vanished | tasks  | 5 min       | 10 s      | for ever, to 30 s| leave at once: it only reads            |
 *
 * (*) In the answer to the workflow task that asks for it, as all on that queue: Temporal 1.29 loses what it hands to a worker
 * that polls, if it is busy for a second just then, and finds out when the heartbeat is missed (temporalio/temporal#11733).
 * Where the worker has no room, on the queue `follow`, in its turn.
 *
 * Waiting is a courtesy, not the fence: an attempt that Temporal has given up may still act, and the fence holds then
 * too. Only follow has a schedule-to-close, the task's own timeout: a task waits out a Kubernetes that is away, and can be
 * cancelled meanwhile.
 */
import { ActivityCancellationType, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { type AnchorRef, type Ending, followQueue, type JobRef } from '../contract.ts';
import type { LimitActivities } from '../limits/activities.ts';
import type { SweepActivities } from '../sweeper/activity.ts';

const { WAIT_CANCELLATION_COMPLETED, TRY_CANCEL } = ActivityCancellationType;

const dispatching = {
  startToCloseTimeout: '30s',
  heartbeatTimeout: '5s',
  cancellationType: WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' },
} as const;

export const { provision } = proxyActivities<Pick<Activities, 'provision'>>({
  ...dispatching,
  summary: 'Check the task, create its anchor and, suspended, its Job',
});

export const { admit } = proxyActivities<Pick<Activities, 'admit'>>({
  ...dispatching,
  summary: 'Ask to be let in',
});

export const { reserve } = proxyActivities<Pick<Activities, 'reserve'>>({
  ...dispatching,
  summary: 'Create the Job, suspended',
});

export const { start } = proxyActivities<Pick<Activities, 'start'>>({
  ...dispatching,
  summary: 'Let the Job make its Pod, or Kueue let it',
});

const waiting = {
  heartbeatTimeout: '60s',
  // Not ABANDON: what becomes of an activity that was abandoned, and fails, is more than a workflow of the SDK bears.
  cancellationType: TRY_CANCEL,
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' },
} as const;

/** A function, because the queue for long waits is named after the queue of the workflow. What runs goes before it there. */
export function queue(held: AnchorRef, job: JobRef): Promise<Ending | undefined> {
  const activities = proxyActivities<Pick<Activities, 'queue'>>({
    ...waiting,
    taskQueue: followQueue(workflowInfo().taskQueue),
    startToCloseTimeout: '30 days',
    priority: { priorityKey: 5 },
    summary: 'Wait until Kueue starts the Job',
  });
  return activities.queue(held, job);
}

export async function follow(held: AnchorRef, job: JobRef): Promise<Ending> {
  const until = Date.now() + held.timeoutSeconds * 1_000;
  const following = { ...waiting, summary: 'Follow the Job until it ends' };
  const atOnce = proxyActivities<Pick<Activities, 'follow'>>({
    ...following,
    scheduleToCloseTimeout: `${held.timeoutSeconds}s`,
    // What is tried again comes by the queue, and must not keep a release waiting.
    priority: { priorityKey: 4 },
  });
  const ending = await atOnce.follow(held, job);
  if (ending !== undefined) return ending;
  const inTurn = proxyActivities<{ follow: (...known: Parameters<Activities['follow']>) => Promise<Ending> }>({
    ...following,
    taskQueue: followQueue(workflowInfo().taskQueue),
    scheduleToCloseTimeout: Math.max(1, until - Date.now()),
  });
  return inTurn.follow(held, job);
}

export const { release } = proxyActivities<Pick<Activities, 'release'>>({
  startToCloseTimeout: '5m',
  heartbeatTimeout: '30s',
  cancellationType: WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
  summary: 'Delete everything of the run and prove it gone',
});

export const { sweep } = proxyActivities<SweepActivities>({
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '10s',
  cancellationType: WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '10s', backoffCoefficient: 2, maximumAttempts: 3 },
  summary: 'Remove what no task owns any more',
});

export const { holders, vanished } = proxyActivities<LimitActivities>({
  startToCloseTimeout: '5m',
  heartbeatTimeout: '10s',
  cancellationType: TRY_CANCEL,
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' },
  summary: 'See who holds a slot',
});
