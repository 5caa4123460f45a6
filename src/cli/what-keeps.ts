/** Why a task does not get on, beyond what its Pod says: no worker, or a worker that fails and tries again. */
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import type { HoldfastClient, TaskClient } from '../client.ts';
import type { Problem } from '../contract.ts';
import { ERRORS, isErrorCode } from '../errors.ts';
import { polled } from '../task-queue.ts';

/** How long work may lie on a queue before somebody who waits should hear of it. */
const LIES_MS = 5_000;
/** temporal.api.enums.v1.PendingWorkflowTaskState */
const SCHEDULED = 1;

export function isDirect(client: TaskClient): client is HoldfastClient {
  return 'temporal' in client;
}

/** Undefined over HTTP: only Temporal itself can tell. */
export async function whatKeeps(client: TaskClient, taskId: string, now: number): Promise<Problem | undefined> {
  if (!isDirect(client)) return undefined;
  const { temporal } = client;
  const { raw, taskQueue } = await temporal.workflow.getHandle(taskId).describe();
  const waiting = raw.pendingWorkflowTask;
  if (waiting?.state === SCHEDULED && now - (optionalTsToMs(waiting.scheduledTime) ?? now) > LIES_MS)
    return nobodyTakesIt(temporal, taskQueue, now);
  // Once more is ordinary: a worker that was restarted. What fails again will fail until somebody acts.
  if ((waiting?.attempt ?? 0) > 2) return workerFails(waiting?.attempt ?? 0);
  const failing = raw.pendingActivities?.find(({ lastFailure }) => lastFailure);
  if (!failing?.lastFailure) return undefined;
  const code = failing.lastFailure.applicationFailureInfo?.type ?? 'WORKER_FAULT';
  const facts = { activity: failing.activityType?.name ?? 'unknown', attempt: failing.attempt ?? 1 };
  const message = `It is tried again after attempt ${facts.attempt} of ${facts.activity}: ${failing.lastFailure.message ?? code}.`;
  return { code, message, facts, ...(isErrorCode(code) && { next: ERRORS[code].next }) };
}

function workerFails(attempt: number): Problem {
  return {
    code: 'WORKER_FAULT',
    message: `The worker fails at this task and tries again (attempt ${attempt}); its log and Temporal's web UI say at what.`,
    next: 'If the workflow code was changed while the task ran, run the worker that began it until the task has ended.',
  };
}

async function nobodyTakesIt(temporal: HoldfastClient['temporal'], queue: string, now: number): Promise<Problem> {
  const { namespace } = temporal.options;
  const poll = await polled(temporal, queue, now);
  const place = `task queue ${JSON.stringify(queue)} of Temporal namespace ${JSON.stringify(namespace)}`;
  if (!poll.now)
    return {
      code: 'NO_WORKER',
      message: `No worker listens on ${place}; the task waits for one.`,
      next: 'Start one where the cluster can be reached: `npm run up` in the checkout, or `node src/worker.ts`.',
    };
  const seconds = Math.round((now - poll.last) / 1_000);
  return {
    code: 'NO_WORKER',
    message: `No worker has taken the task up; one last asked for work on ${place} ${seconds} s ago.`,
    next: 'Look at the log of the worker: it may have ended, or be at its limit.',
  };
}
