import { setTimeout as sleep } from 'node:timers/promises';

export interface Pace {
  /** Items that are worked on at the same time. */
  readonly atOnce: number;
  /** Items that are begun in a second. Default: as many as can be. */
  readonly perSecond?: number;
}

/**
 * Does the work for each item, at most so many at once and a second; results are in the order of the items. The first
 * failure stops it: no more is begun, and what runs is waited for.
 */
export async function paced<T, R>(
  items: readonly T[],
  { atOnce, perSecond = Infinity }: Pace,
  work: (item: T, index: number) => Promise<R>,
  signal?: AbortSignal,
): Promise<readonly R[]> {
  const failed = new AbortController();
  const stop = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const left = items.entries();
  const results: R[] = [];
  let nextTurn = 0;
  const lane = async () => {
    for (const [index, item] of left) {
      const now = performance.now();
      const turn = Math.max(nextTurn, now);
      nextTurn = turn + 1_000 / perSecond;
      if (turn > now) await sleep(turn - now, undefined, { signal: stop });
      stop.throwIfAborted();
      results[index] = await work(item, index);
    }
  };
  const lanes = Array.from({ length: Math.min(atOnce, items.length) }, lane);
  try {
    await Promise.all(lanes);
  } catch (error) {
    failed.abort();
    await Promise.allSettled(lanes);
    throw error;
  }
  return results;
}
