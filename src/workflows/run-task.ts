/**
 * The life of a task on one page:
 *
 *     provision   provision        create the anchor, which owns everything, inputs in it, and the Job, suspended
 *                 admit, reserve   only where there are limits: the Job comes when the limiter has let the run in
 *     dispatch    start            a compare-and-set lets the Job make its Pod
 *                 queue            only where that lets Kueue start it: wait until Kueue has
 *     run         follow           until the Job ends, the deadline passes, or somebody cancels
 *     release     (fenced)         always: delete by uid, prove it gone; only then is the outcome told
 *
 * A cancel closes the run as CANCELED, after release. A task that had already ended by itself keeps its true outcome.
 * Two things begin all of it anew, under another attempt's names: an anchor that was lost before the Job was started, and,
 * if the task allows it, a Pod that the platform took away. Never before release has proved that nothing is left.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  rootCause,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { AnchorRef, Ending, JobRef, Problem, Provisioned, RunRef, Task, TaskResult } from '../contract.ts';
import { follow, provision, queue, reserve, start } from './activity-policies.ts';
import { admission } from './admission.ts';
import { cancelReason } from './cancel-reason.ts';
import { type Fence, fenced, type FencedEnd } from './fenced.ts';
import { Story } from './story.ts';

/** How often a task is provisioned anew when its anchor was lost before its Job was started (a Reset does that). */
const ATTEMPTS = 3;

export async function runTask(task: Task): Promise<TaskResult> {
  const story = new Story(workloadOf(task));
  let [lost, retried] = [0, 0];
  for (let attempt = 1; ; attempt += 1) {
    const end = await fenced(
      currentRun(attempt),
      (fence) => provisionDispatchRun(fence, task, story),
      // What has ended by itself is released in a moment.
      (settled) => story.enter('releasing', {}, settled),
    );
    if (end.found === 'started') story.wasStarted();
    if (isLost(end) && (lost += 1) < ATTEMPTS) continue;
    const because = takenAway(end);
    if (because === undefined || (retried += 1) > retriesOf(task)) return conclude(end, story);
    story.again(because);
  }
}

async function provisionDispatchRun(fence: Fence, task: Task, story: Story): Promise<Ending> {
  const { anchor, job } = await CancellationScope.cancellable(() => reserved(fence, task, story));
  if (anchor.queue !== undefined) return CancellationScope.cancellable(() => queueAndRun(fence, anchor, job, story));
  await CancellationScope.cancellable(() => dispatch(anchor, job, story));
  return CancellationScope.cancellable(() => run(anchor, job, story));
}

async function reserved(fence: Fence, task: Task, story: Story): Promise<Required<Provisioned>> {
  story.enter('provisioning');
  const { anchor, job } = await provision(fence.run, task);
  fence.anchor = anchor;
  if (job !== undefined) return { anchor, job };
  story.enter('queued');
  await admission(anchor);
  story.enter('reserving', {}, true);
  return { anchor, job: await reserve(anchor) };
}

async function dispatch(held: AnchorRef, job: JobRef, story: Story): Promise<void> {
  // From here on the Job may have been let go, whatever becomes of the request: "before start" cannot be said any more.
  story.starts(job, story.state.started || !cancelRequested());
  await start(held, job);
}

/** Kueue starts it, at any time from the request on: whether it has is seen, or found by release. */
async function queueAndRun(fence: Fence, held: AnchorRef, job: JobRef, story: Story): Promise<Ending> {
  story.enter('queued', { job });
  if (!cancelRequested()) fence.handedOver = true;
  await start(held, job);
  const gone = await queue(held, job);
  if (gone !== undefined) return gone;
  story.enter('running', { started: true });
  return follow(held, job);
}

function run(held: AnchorRef, job: JobRef, story: Story): Promise<Ending> {
  story.enter('running', {}, true);
  return follow(held, job);
}

/** Tells the outcome: after release, and never another than the one that happened. */
function conclude({ ending, error, interrupted }: FencedEnd, story: Story): TaskResult {
  if (ending?.kind === 'succeeded') {
    story.end('succeeded');
    const { taskId, job } = story.state;
    const { kind: _, ...rest } = ending;
    return { taskId, workload: story.state.workload, outcome: 'succeeded', job: job ?? unknownJob(story), ...rest };
  }
  if (ending === undefined && interrupted) {
    story.end('cancelled');
    throw new CancelledFailure(cancelReason() || 'cancelled');
  }
  const problem = ending?.problem ?? problemOf(error);
  story.end('failed', problem);
  throw ApplicationFailure.create({
    message: problem.message,
    type: problem.code,
    nonRetryable: true,
    details: [problem],
  });
}

function problemOf(error: unknown): Problem {
  if (isDeadline(error))
    return {
      code: 'DEADLINE_EXCEEDED',
      message: 'The task did not end within its timeout.',
      next: 'Give it a longer `timeout`, or let it do less.',
    };
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const told = cause.details?.[0] as Problem | undefined;
    return told ?? { code: cause.type ?? 'WORKER_FAULT', message: cause.message };
  }
  return { code: 'WORKER_FAULT', message: rootCause(error) ?? String(error) };
}

/**
 * Only follow has a deadline over all of its attempts. It passes during one of them, which Temporal then times out and does
 * not repeat; or between two, when it gives the last one's failure and says why there is no other.
 */
function isDeadline(error: unknown): boolean {
  if (!(error instanceof ActivityFailure)) return false;
  return error.cause instanceof TimeoutFailure || error.retryState === 'TIMEOUT';
}

function isLost({ ending, error, interrupted }: FencedEnd): boolean {
  return ending === undefined && !interrupted && problemOf(error).code === 'ANCHOR_LOST';
}

/** What took the Pod away, if it was the platform: not the task, not somebody's hand, and no cancel had come. */
function takenAway({ ending, interrupted }: FencedEnd): Problem | undefined {
  if (interrupted || ending?.kind !== 'failed' || ending.problem.facts?.['disruption'] === undefined) return undefined;
  return ending.problem;
}

function cancelRequested(): boolean {
  return CancellationScope.current().consideredCancelled;
}

function currentRun(attempt: number): RunRef {
  const { workflowId, runId } = workflowInfo();
  return { taskId: workflowId, runId, attempt };
}

/** What is started without our client may be anything; provision refuses it with every problem named. */
function workloadOf(task: Task | undefined): Task['workload'] {
  return task?.workload ?? 'command';
}

/** What is not a number is refused by provision, before there is anything to retry. */
function retriesOf(task: Task | undefined): number {
  return task?.retries ?? 0;
}

function unknownJob(story: Story): JobRef {
  throw new TypeError(`task ${story.state.taskId} ended without a Job`);
}
