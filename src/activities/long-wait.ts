/** What the activities of the follow queue have in common: they are many, wait for long, only read, and are safe to abandon. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnchorRef } from '../contract.ts';
import { Crowd, type Pace } from './crowd.ts';
import type { Deps } from './deps.ts';
import { type Beating, perform, type Performing } from './perform.ts';
import { releaseIfForgotten } from './release.ts';

export const LONG_WAITS = new Crowd();
/** A heartbeat tells Temporal what is seen, and the worker that its task was ended from outside. The timeout is 60 s. */
const BEATING: Beating = { crowd: LONG_WAITS, pace: { perSecond: 20, shortestMs: 1_000, longestMs: 48_000 } };
/** Between looks when nothing changes: the output may have grown, and a heartbeat tells of it. */
export const LOOKS: Pace = BEATING.pace;
/** The watch is a cache; every so often the API server is asked itself. */
export const FRESH_LOOKS: Pace = { perSecond: 5, shortestMs: 30_000, longestMs: 600_000 };

/** Between two heartbeats of one whose run is gone: its workflow closes in a moment. Milliseconds. */
const FORGOTTEN_MS = 1_000;

/** While it waits, this process is the one that hears of an end from outside; its sweeper need not ask. */
export function longWait<T>(
  deps: Deps,
  { run, name }: AnchorRef,
  body: (performing: Performing) => Promise<T>,
): Promise<T> {
  return deps.followed.during(name, (released) =>
    perform((performing) => Promise.race([body(performing), released.then(() => untilForgotten(performing))]), {
      onlyReads: true,
      beating: BEATING,
      whenForgotten: async () => {
        if (!deps.followed.isReleased(name)) await releaseIfForgotten(deps, { ...run, name });
      },
    }),
  );
}

/**
 * Whether this process releases it, or has. A cancel reaches the workflow, which abandons whoever waits here: what is seen
 * of the run from now on is no ending, and an answer would only be one more turn of the workflow.
 */
export function isReleasedHere({ unreleased, followed }: Pick<Deps, 'unreleased' | 'followed'>, run: string): boolean {
  return unreleased.isReleasing(run) || followed.isReleased(run);
}

async function untilForgotten({ signal, beat }: Performing): Promise<never> {
  for (let pause = FORGOTTEN_MS; ; pause *= 2) {
    await sleep(pause, undefined, { signal });
    beat();
  }
}
