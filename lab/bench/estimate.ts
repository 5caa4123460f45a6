/** Pure: repeats to one number, and how sure it is. */
import { uniform } from '../report/random.ts';
import { percentile } from '../report/stats.ts';

/** A statistic of all repeats, and between which values 90 of 100 resamplings of them put it. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Repeats of two sides, each pair measured in the same turn. */
export interface Pairs {
  readonly ours: readonly number[];
  readonly floor: readonly number[];
}

/** With the smallest workflow for the same between them. */
export interface Sides extends Pairs {
  readonly smallest: readonly number[];
}

export interface Compared {
  readonly ours: Estimate;
  readonly floor: Estimate;
  readonly ratio: Estimate;
  readonly smallest: Estimate;
  readonly smallestRatio: Estimate;
}

const RESAMPLINGS = 400;

export function estimate(values: readonly number[], share: number): Estimate {
  return resampled(values.length, (indices) => percentile(picked(values, indices), share));
}

/** Ours over the floor. Pairs are resampled as pairs: what slowed a machine for a while slowed both of them. */
export function ratio({ ours, floor }: Pairs, share: number): Estimate {
  const count = Math.min(ours.length, floor.length);
  return resampled(
    count,
    (indices) => percentile(picked(ours, indices), share) / percentile(picked(floor, indices), share),
  );
}

/** All sides, and what each workflow takes over the floor. */
export function sides({ ours, smallest, floor }: Sides, share: number): Compared {
  return {
    ours: estimate(ours, share),
    floor: estimate(floor, share),
    ratio: ratio({ ours, floor }, share),
    smallest: estimate(smallest, share),
    smallestRatio: ratio({ ours: smallest, floor }, share),
  };
}

/** One number that was read once. */
export function exactly(value: number): Estimate {
  return { value, low: value, high: value };
}

function resampled(count: number, statistic: (indices: readonly number[]) => number): Estimate {
  const all = Array.from({ length: count }, (_, index) => index);
  const draws = Array.from({ length: RESAMPLINGS }, (_, draw) =>
    statistic(all.map((index) => Math.floor(uniform('bench', draw, index) * count))),
  );
  return { value: statistic(all), low: percentile(draws, 5), high: percentile(draws, 95) };
}

function picked(values: readonly number[], indices: readonly number[]): readonly number[] {
  return indices.map((index) => values[index] ?? Number.NaN);
}
