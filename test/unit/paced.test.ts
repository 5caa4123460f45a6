import { describe, expect, it } from 'vitest';
import { paced } from '../../src/paced.ts';

const never = new AbortController().signal;

describe('work on many', () => {
  it('is bounded at once and a second, and keeps the order', async () => {
    let [now, most] = [0, 0];
    const began = performance.now();
    const work = async (item: number) => {
      most = Math.max(most, (now += 1));
      await new Promise((resolve) => setTimeout(resolve, 20));
      now -= 1;
      return item * 2;
    };
    expect(await paced([1, 2, 3, 4, 5, 6], { perSecond: 50, atOnce: 2 }, work, never)).toEqual([2, 4, 6, 8, 10, 12]);
    expect(most).toBeLessThanOrEqual(2);
    expect(performance.now() - began).toBeGreaterThanOrEqual(95);
  });

  it('begins nothing more after a failure', async () => {
    const begun: number[] = [];
    const work = async (item: number) => {
      begun.push(item);
      if (item === 2) throw new Error('no');
    };
    await expect(paced([1, 2, 3, 4, 5], { perSecond: 1_000, atOnce: 1 }, work, never)).rejects.toThrow('no');
    expect(begun).toEqual([1, 2]);
  });
});
