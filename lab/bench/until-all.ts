/** One turn of a side: asks for many things as fast as one process can, and waits for what becomes of each. */
import { paced } from '../../src/paced.ts';
import { calm } from './calm.ts';

/** Requests that one process has under way at the same time, on every side. */
export const AT_ONCE = 50;

/** Seconds from the first request until the last has come to its end; `ask` gives what waits for that. */
export async function secondsUntilAll<T>(
  items: readonly T[],
  ask: (item: T) => Promise<() => Promise<unknown>>,
): Promise<number> {
  await calm();
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
  return (Date.now() - since) / 1_000;
}
