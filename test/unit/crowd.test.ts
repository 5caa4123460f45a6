/** Many side by side: how often each has its turn, and how many at the same time. */
import { describe, expect, it, vi } from 'vitest';
import { Crowd } from '../../src/activities/crowd.ts';
import { Lanes } from '../../src/lanes.ts';

describe('a crowd', () => {
  const pace = { perSecond: 50, shortestMs: 1_000, longestMs: 48_000 };

  it('acts often while it is small, and together never too often', () => {
    const crowd = new Crowd();
    expect(crowd.every(pace)).toBe(1_000);
    const leave = Array.from({ length: 500 }, () => crowd.enter());
    expect(crowd.every(pace)).toBe(10_000);
    for (const one of leave) one();
    expect(crowd.every(pace)).toBe(1_000);
  });

  it('lets nobody wait longer than its longest, however many they are', () => {
    const crowd = new Crowd();
    for (let one = 0; one < 5_000; one += 1) crowd.enter();
    expect(crowd.every(pace)).toBe(48_000);
  });
});

describe('lanes', () => {
  it('let so many work at the same time, and the rest in their order', async () => {
    const lanes = new Lanes(2);
    const began: number[] = [];
    const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
    const all = gates.map(({ promise }, index) =>
      lanes.take(async () => {
        began.push(index);
        await promise;
      }),
    );
    await Promise.resolve();
    expect(began).toEqual([0, 1]);
    gates[1]?.resolve();
    await all[1];
    gates[2]?.resolve();
    await all[2];
    await vi.waitUntil(() => began.length === 4);
    expect(began).toEqual([0, 1, 2, 3]);
    for (const { resolve } of gates) resolve();
    await Promise.all(all);
  });

  it('give the lane back when the work fails, and none to who has left', async () => {
    const lanes = new Lanes(1);
    const first = Promise.withResolvers<void>();
    const working = lanes.take(() => first.promise);
    const leaving = new AbortController();
    const left = lanes.take(async () => 'never', leaving.signal);
    const last = lanes.take(async () => 'done');
    leaving.abort(new Error('cancelled'));
    await expect(left).rejects.toThrow('cancelled');
    first.reject(new Error('failed'));
    await expect(working).rejects.toThrow('failed');
    await expect(last).resolves.toBe('done');
  });
});
