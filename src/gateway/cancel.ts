/**
 * A cancel and its true answer: asked for, waited for, and then read from Temporal's record alone. Whatever raced with
 * it, the answer is what the record says at the end, so it cannot contradict history.
 */
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import { ALREADY, answerOf } from '../cancel-answer.ts';
import type { HoldfastClient } from '../client.ts';
import { abortable } from '../client/temporal/abortable.ts';
import { endOfRun } from '../client/temporal/end.ts';
import { newestFirst } from '../client/temporal/history.ts';
import { unlessUnknown } from '../client/unless-unknown.ts';
import type { CancelAnswer } from '../contract.ts';
import type { TaskView } from '../task-view.ts';
import { ask, type Deps } from './deps.ts';
import { unknownTask } from './visible-task.ts';
import type { CancelStatus, WireCancel } from './wire/cancel.ts';

export interface CancelWish {
  readonly reason: string;
  /** Who asks. */
  readonly by: string;
  /** Milliseconds to wait for the proof. 0: only ask. */
  readonly wait: number;
  /** Ends the wait, not the cancel. */
  readonly signal: AbortSignal;
}

/** `seen`: the task as the record had it when the request came. @throws HoldfastError TASK_UNKNOWN */
export async function cancelTask(deps: Deps, seen: TaskView, wish: CancelWish): Promise<WireCancel> {
  const { taskId } = seen;
  const { status, view } = seen.open
    ? await requestCancel(deps, taskId, wish)
    : { status: statusOf(seen, answerOf(seen, 'before')), view: seen };
  deps.metrics.cancelAnswered(status);
  const request = view.cancelRequested ? await ask(deps, () => firstRequest(deps.client, view)) : undefined;
  return {
    task_id: taskId,
    status,
    message: sentence(status, view, request?.at),
    outcome: view.outcome ?? null,
    phase: view.phase,
    started: view.started,
    requested_at: request?.at ?? null,
    completed_at: view.closedAt ?? null,
    cancelled_at: (view.outcome === 'cancelled' && view.closedAt) || null,
    cancellation_reason: request?.reason ?? null,
    left: view.open ? [...whatIsLeft(view)] : [],
  };
}

/** Asks, waits, and says how the task stands then. @throws HoldfastError TASK_UNKNOWN */
export async function requestCancel(
  deps: Deps,
  taskId: string,
  wish: CancelWish,
  isAgain = false,
): Promise<{ readonly status: CancelStatus; readonly view: TaskView }> {
  const { client } = deps;
  const { reason, by, wait, signal } = wish;
  const said = await ask(deps, () => client.cancel(taskId, { reason, by, wait: false }));
  if (said === 'unknown_task') throw await unknownTask(deps, taskId);
  if (said === 'cancelling' && wait > 0)
    await ended(client, taskId, AbortSignal.any([signal, AbortSignal.timeout(wait)]));
  const view = await ask(deps, () => client.describe(taskId));
  // A Reset came between: the run that is open now has heard of no cancel.
  if (view.open && !view.cancelRequested && !isAgain) return requestCancel(deps, taskId, wish, true);
  return { status: statusOf(view, said), view };
}

/** Waits for the task's end, however it ends, or for the signal. */
async function ended(client: HoldfastClient, taskId: string, signal: AbortSignal): Promise<void> {
  const { temporal } = client;
  // Whoever waits reads the record himself: how it ended, or that there is none any more.
  await unlessUnknown(abortable(temporal, signal, () => endOfRun(temporal, taskId))).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

function statusOf({ outcome }: Pick<TaskView, 'outcome'>, said: CancelAnswer): CancelStatus {
  if (outcome === undefined) return 'cancelling';
  return outcome === 'cancelled' && said === 'cancelling' ? 'cancelled' : ALREADY[outcome];
}

function sentence(status: CancelStatus, { taskId, started, closedAt }: TaskView, requestedAt?: string): string {
  const proof = started
    ? 'none of its containers runs, and none ever will'
    : 'it had not been started, and no container of it ever ran';
  const outran = requestedAt !== undefined && closedAt !== undefined && requestedAt < closedAt;
  const late = outran ? 'by itself before the cancel could take effect' : 'before the cancellation request';
  switch (status) {
    case 'cancelled':
      return `Task ${taskId} is cancelled: ${proof}.`;
    case 'cancelling':
      return `The cancel of task ${taskId} is recorded and goes on by itself; ask again to wait for the proof.`;
    case 'already_cancelled':
      return `Task ${taskId} was cancelled before: ${proof}.`;
    case 'already_completed':
      return outran ? `Task ${taskId} completed ${late}.` : `Task ${taskId} was already completed ${late}.`;
    case 'already_failed':
      return outran ? `Task ${taskId} failed ${late}.` : `Task ${taskId} had already failed ${late}.`;
    case 'already_terminated':
      return `Task ${taskId} was terminated in Temporal ${late}; what is left of it is removed.`;
    case 'already_timed_out':
      return `Task ${taskId} ran into a timeout of Temporal's ${late}; what is left of it is removed.`;
  }
}

/** What the worker said last; nothing is left of a task that no worker has seen. */
function whatIsLeft({ waitingFor, job, pod }: TaskView): readonly string[] {
  if (waitingFor !== undefined) return waitingFor.split(', ');
  return [...(job ? [`Job ${job.name}`] : []), ...(pod ? [`Pod ${pod.name}`] : [])];
}

/** When the task's cancel was recorded, and why it was asked for. A second request changes neither. */
async function firstRequest(client: HoldfastClient, view: TaskView) {
  for await (const event of newestFirst(client.temporal, view)) {
    const request = event.workflowExecutionCancelRequestedEventAttributes;
    const at = optionalTsToMs(event.eventTime);
    if (request && at !== undefined) return { at: new Date(at).toISOString(), reason: request.cause ?? '' };
  }
  return undefined;
}
