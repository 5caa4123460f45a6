/** One turn of a side: asks for many things as fast as one process can, and waits for what becomes of each. */
import { paced } from '../../src/paced.ts';
import { calm } from './calm.ts';
import { type ProcessorTime, processorClock } from './processor-time.ts';

/** Requests that one process has under way at the same time, on every side. */
export const AT_ONCE = 50;

export interface Turn {
  /** From the first request until the last has come to its end. */
  readonly seconds: number;
  /** By the whole machine, meanwhile. */
  readonly spent: ProcessorTime;
}

/** `ask` gives what waits for the end. */
export async function untilAll<T>(
  items: readonly T[],
  ask: (item: T) => Promise<() => Promise<unknown>>,
): Promise<Turn> {
  await calm();
  const clock = processorClock();
  const since = Date.now();
  const ends: Promise<unknown>[] = [];
  await paced(items, { atOnce: AT_ONCE }, async (item) => {
    const wait = await ask(item);
    const end = wait();
    // Told below: until all have been asked for, nobody listens.
    end.catch(() => undefined);
    ends.push(end);
  });
  await Promise.all(ends);
  return { seconds: (Date.now() - since) / 1_000, spent: clock() };
}
