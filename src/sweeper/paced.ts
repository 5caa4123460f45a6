import { setTimeout as sleep } from 'node:timers/promises';

export interface Pace {
  readonly perSecond: number;
  readonly atOnce: number;
}

/** Does the work for each item, at most so many a second and at once. The first failure stops it: no more is begun. */
export async function paced<T, R>(
  items: readonly T[],
  { perSecond, atOnce }: Pace,
  work: (item: T) => Promise<R>,
  signal: AbortSignal,
): Promise<readonly R[]> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const left = items.entries();
  const results: R[] = [];
  let nextTurn = 0;
  const lane = async () => {
    for (const [index, item] of left) {
      const now = performance.now();
      const turn = Math.max(nextTurn, now);
      nextTurn = turn + 1_000 / perSecond;
      await sleep(turn - now, undefined, { signal: stop });
      results[index] = await work(item);
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
