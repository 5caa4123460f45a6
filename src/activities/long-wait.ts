/** What the activities of the follow queue have in common: they are many, wait for long, only read, and are safe to abandon. */
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

/** While it waits, this process is the one that hears of an end from outside; its sweeper need not ask. */
export function longWait<T>(
  deps: Deps,
  { run, name }: AnchorRef,
  body: (performing: Performing) => Promise<T>,
): Promise<T> {
  return perform(
    async (performing) => {
      deps.followed.add(name);
      try {
        return await body(performing);
      } finally {
        deps.followed.delete(name);
      }
    },
    { onlyReads: true, beating: BEATING, whenForgotten: () => releaseIfForgotten(deps, { ...run, name }) },
  );
}
