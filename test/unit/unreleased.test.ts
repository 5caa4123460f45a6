import { describe, expect, it } from 'vitest';
import { Unreleased } from '../../src/unreleased.ts';

const at = (start: number) => {
  let now = start;
  return { unreleased: new Unreleased(() => now), pass: (ms: number) => (now += ms) };
};

it('a run is releasing while its release is under way in this process, and not while the next attempt is waited for', async () => {
  const { unreleased } = at(0);
  const seen: boolean[] = [];
  await unreleased.during('run', 0, async () => void seen.push(unreleased.isReleasing('run')));
  seen.push(unreleased.isReleasing('run'));
  await unreleased.during('run', 0, () => Promise.reject(new Error('no answer'))).catch(() => undefined);
  seen.push(unreleased.isReleasing('run'));
  expect(seen).toEqual([true, false, false]);
});

describe('the oldest unreleased run', () => {
  it('is 0 s old when nothing waits', () => {
    expect(at(1_000).unreleased.oldest()).toBe(0);
  });

  it('has the age of its first request, and is forgotten when it is released', async () => {
    const { unreleased, pass } = at(100_000);
    let released: () => void = () => undefined;
    const waiting = unreleased.during('run', 40_000, () => new Promise<void>((resolve) => (released = resolve)));
    expect(unreleased.oldest()).toBe(60);
    pass(5_000);
    expect(unreleased.oldest()).toBe(65);
    released();
    await waiting;
    expect(unreleased.oldest()).toBe(0);
  });

  it('keeps its age from attempt to attempt, and is left to whoever makes the next', async () => {
    const { unreleased, pass } = at(100_000);
    const failing = () => unreleased.during('run', 0, () => Promise.reject(new Error('no answer')));
    await expect(failing()).rejects.toThrow('no answer');
    pass(10_000);
    expect(unreleased.oldest()).toBe(110);
    await expect(failing()).rejects.toThrow('no answer');
    pass(15_001);
    expect(unreleased.oldest()).toBe(0);
  });

  it('is also one that the sweeper suspects, since it first did', () => {
    const { unreleased, pass } = at(0);
    unreleased.suspect(['a']);
    pass(60_000);
    unreleased.suspect(['a', 'b']);
    expect(unreleased.oldest()).toBe(60);
    unreleased.suspect(['b']);
    expect(unreleased.oldest()).toBe(0);
    pass(1_000);
    unreleased.suspect([]);
    expect(unreleased.oldest()).toBe(0);
  });
});
