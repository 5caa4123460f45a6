/** What long waits, follow and queue, have in common: they are many, only read, and are safe to abandon. */
import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo, cancellationDetails, CompleteAsyncError } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { AnchorRef, RunRef } from '../contract.ts';
import { Crowd, type Pace } from './crowd.ts';
import type { Deps } from './deps.ts';
import { type Beating, perform, type Performing } from './perform.ts';
import { releaseIfForgotten } from './forgotten.ts';

export const LONG_WAITS = new Crowd();
/** A heartbeat tells Temporal what is seen, and the worker that its task was ended from outside. The timeout is 60 s. */
const BEATING: Beating = { crowd: LONG_WAITS, pace: { perSecond: 12, shortestMs: 1_000, longestMs: 48_000 } };
/** Between looks when nothing changes: the output may have grown, and a heartbeat tells of it. */
export const LOOKS: Pace = BEATING.pace;
/** The watch is a cache; every so often the API server is asked itself. */
export const FRESH_LOOKS: Pace = { perSecond: 3, shortestMs: 30_000, longestMs: 600_000 };

/** Between two looks whether a release is over, and before the heartbeat that shows that the workflow has closed. Milliseconds. */
const MOMENT_MS = 1_000;
/** The longest between two such heartbeats. Milliseconds. */
const LONGEST_MS = 30_000;
/** How long who was cancelled keeps its slot, for the release to be done. Milliseconds. */
const HOLD_MS = 60_000;

/** While it waits, this process is the one that hears of an end from outside; its sweeper need not ask. */
export function longWait<T>(
  deps: Deps,
  { run, name }: AnchorRef,
  body: (performing: Performing) => Promise<T>,
): Promise<T> {
  const whenForgotten = async () => {
    if (!deps.followed.isReleased(name)) await releaseIfForgotten(deps, { ...run, name });
  };
  return deps.followed.during(name, isAdopted(run), async (released) => {
    try {
      return await perform(
        (performing) => {
          // The SDK would let it go on for the grace period, which is there for what writes.
          const signal = AbortSignal.any([performing.signal, deps.stopping]);
          return untilReleased(deps, name, released, { ...performing, signal }, body);
        },
        { onlyReads: true, beating: BEATING, whenForgotten },
      );
    } catch (error) {
      // No answer at all: it would be one more turn of a workflow that has left already, and closes.
      if (wasCancelled() && deps.followed.isReleased(name)) throw new CompleteAsyncError();
      if (deps.stopping.aborted) throw handedBack();
      throw error;
    }
  });
}

/**
 * Whether a Reset lets this run go on with what another made. That may have been released, or its release may be under way
 * in a process that does not know of the Reset yet: no ending of this run, which then provisions its own.
 */
export function isAdopted({ runId }: Pick<RunRef, 'runId'>): boolean {
  return runId !== activityInfo().workflowExecution?.runId;
}

/**
 * Whether this process releases it, or has. A cancel reaches the workflow, which leaves whoever waits here: what is seen of
 * the run from now on is no ending.
 */
export function isReleasedHere({ unreleased, followed }: Pick<Deps, 'unreleased' | 'followed'>, run: string): boolean {
  return unreleased.isReleasing(run) || followed.isReleased(run);
}

const wasCancelled = () => cancellationDetails()?.cancelRequested === true;

/** As the SDK says it of what it cancels because its worker stops, and as quietly. */
const handedBack = () =>
  ApplicationFailure.create({
    message: 'The worker stops, and another goes on.',
    type: 'WorkerShutdown',
    category: ApplicationFailureCategory.BENIGN,
  });

async function untilReleased<T>(
  { unreleased }: Deps,
  run: string,
  released: Promise<void>,
  performing: Performing,
  body: (performing: Performing) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  try {
    return await Promise.race([body(performing), released.then(() => untilForgotten(performing, over.signal))]);
  } finally {
    over.abort();
    const until = Date.now() + HOLD_MS;
    while (wasCancelled() && unreleased.isReleasing(run) && Date.now() < until) await sleep(MOMENT_MS);
  }
}

async function untilForgotten({ signal, beat }: Performing, over: AbortSignal): Promise<never> {
  const either = AbortSignal.any([signal, over]);
  for (let pause = MOMENT_MS; ; pause = Math.min(pause * 2, LONGEST_MS)) {
    await sleep(pause, undefined, { signal: either });
    beat();
  }
}
