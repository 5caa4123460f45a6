import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meanPassAtK, passAtK } from '../../src/workloads/pass-at-k.ts';

/** 1 - C(n-c, k) / C(n, k) in whole numbers, divided only at the end. */
function exactly(n: number, c: number, k: number): number {
  const choose = (from: number, taken: number): bigint => {
    if (taken > from) return 0n;
    let result = 1n;
    for (let i = 0; i < taken; i += 1) result = (result * BigInt(from - i)) / BigInt(i + 1);
    return result;
  };
  const all = choose(n, k);
  const scale = 10n ** 20n;
  return Number(((all - choose(n - c, k)) * scale) / all) / Number(scale);
}

const counts = fc
  .tuple(
    fc.integer({ min: 1, max: 300 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
  )
  .map(([n, passed, drawn]) => ({ n, c: Math.round(passed * n), k: 1 + Math.floor(drawn * (n - 1)) }));

describe('pass@k', () => {
  it('is the unbiased estimator, to twelve digits', () => {
    fc.assert(fc.property(counts, ({ n, c, k }) => Math.abs(passAtK(n, c, k) - exactly(n, c, k)) < 1e-12));
  });

  it('has the values one can work out by hand', () => {
    expect(passAtK(4, 1, 1)).toBeCloseTo(1 / 4, 15);
    expect(passAtK(4, 2, 2)).toBeCloseTo(5 / 6, 15);
    expect(passAtK(200, 0, 100)).toBe(0);
    expect(passAtK(200, 200, 1)).toBe(1);
    expect(passAtK(200, 101, 100)).toBe(1);
    expect(passAtK(20_000, 1, 100)).toBeCloseTo(0.005, 12);
  });

  it('is between 0 and 1, and does not fall when more are drawn or more pass', () => {
    fc.assert(
      fc.property(counts, ({ n, c, k }) => {
        const value = passAtK(n, c, k);
        const more = k < n ? passAtK(n, c, k + 1) : value;
        const better = c < n ? passAtK(n, c + 1, k) : value;
        return value >= 0 && value <= 1 && more >= value - 1e-12 && better >= value - 1e-12;
      }),
    );
  });

  it('refuses counts that cannot be', () => {
    for (const [n, c, k] of [
      [3, 4, 1],
      [3, -1, 1],
      [3, 1, 0],
      [3, 1, 4],
      [3, 0.5, 1],
    ] as const) {
      expect(() => passAtK(n, c, k)).toThrow(RangeError);
    }
  });

  it('is given for each k that every problem has samples for, and for no other', () => {
    expect(meanPassAtK([])).toEqual({});
    expect(meanPassAtK([{ samples: 9, passed: 9 }])).toEqual({ 1: 1 });
    const both = meanPassAtK([
      { samples: 10, passed: 0 },
      { samples: 100, passed: 100 },
    ]);
    expect(both).toEqual({ 1: 0.5, 10: 0.5 });
    expect(Object.keys(meanPassAtK([{ samples: 100, passed: 5 }]))).toEqual(['1', '10', '100']);
  });
});
