/** Pure: cases to the numbers of one cell of the table. */
import { judge } from './judge.ts';
import type { Observation } from './observation.ts';

/** Seconds, one decimal; `never` where a container still ran. */
export type Percentile = number | 'never';

export interface Cell {
  readonly cases: number;
  readonly orphans: number;
  readonly unsettled: number;
  /** Container-seconds after the cancel, all cases together. */
  readonly wastedSeconds: number;
  /** From the cancel to the last container's end, over the `n` cases in which one ran after the cancel. */
  readonly stop?: { readonly n: number; readonly p50: Percentile; readonly p95: Percentile };
  /** From the cancel to the answer that settled it. */
  readonly answer?: { readonly n: number; readonly p50: number; readonly p95: number };
  readonly untrue: number;
  readonly early: number;
  /** Each different untruth, and how often. */
  readonly untruths: Readonly<Record<string, number>>;
  readonly answers: Readonly<Record<string, number>>;
}

export function cellOf(seen: readonly Observation[]): Cell {
  const verdicts = seen.map(judge);
  const stops = verdicts.flatMap(({ stopMs }) =>
    stopMs === undefined ? [] : [stopMs === 'never' ? Infinity : stopMs],
  );
  const waits = verdicts.flatMap(({ answerMs }) => (answerMs === undefined ? [] : [answerMs]));
  const number = (holds: (verdict: ReturnType<typeof judge>) => boolean) => verdicts.filter(holds).length;
  return {
    cases: seen.length,
    orphans: number(({ orphan }) => orphan),
    unsettled: number(({ unsettled }) => unsettled),
    wastedSeconds: tenths(verdicts.reduce((sum, { wastedSeconds }) => sum + wastedSeconds, 0)),
    ...(stops.length > 0 && {
      stop: { n: stops.length, p50: named(percentile(stops, 50)), p95: named(percentile(stops, 95)) },
    }),
    ...(waits.length > 0 && {
      answer: {
        n: waits.length,
        p50: tenths(percentile(waits, 50) / 1_000),
        p95: tenths(percentile(waits, 95) / 1_000),
      },
    }),
    untrue: number(({ untrue }) => untrue !== undefined),
    early: number(({ early }) => early),
    untruths: countBy(verdicts.flatMap(({ untrue }) => untrue ?? [])),
    answers: countBy(seen.flatMap(({ lastAnswer }) => lastAnswer?.answer ?? [])),
  };
}

/** The smallest value that at least this share of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((share / 100) * sorted.length) - 1)] ?? Number.NaN;
}

function named(ms: number): Percentile {
  return ms === Infinity ? 'never' : tenths(ms / 1_000);
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

function countBy(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values.toSorted()) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
