/** Pure: a soak to what is kept and said of it. */
import type { Outcome } from '../../src/contract.ts';
import { percentile } from '../report/stats.ts';
import type { Setting } from '../stage/setting.ts';
import type { Gap } from '../sweep/eyes.ts';
import type { Target } from './hits.ts';
import { type Answer, type Offence, OFFENCES } from './judge.ts';
import { type Growth, growthOf, type Sample, secondHalf } from './meter.ts';
import type { Act } from './parts.ts';

export interface Failure extends Offence {
  /** Of the task, or what else it is. */
  readonly id: string;
}

export interface DoneHit {
  readonly target: Target;
  /** Since the soak began, and until there was another, or it answered again. Seconds. */
  readonly at: number;
  readonly seconds: number;
}

/** One task. Times in seconds. */
export interface Entry {
  readonly taskId: string;
  readonly act: Act;
  readonly answer: Answer | undefined;
  readonly outcome: Outcome | undefined;
  /** Beyond what its container runs, if it was left alone. */
  readonly waited: number | undefined;
  readonly answeredIn: number | undefined;
  /** From the outcome until nothing was left. */
  readonly goneIn: number;
  readonly latePods: number;
}

export interface Soaked {
  readonly entries: readonly Entry[];
  readonly failures: readonly Failure[];
  readonly hits: readonly DoneHit[];
  readonly gaps: readonly Gap[];
  readonly samples: readonly Sample[];
}

interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly most: number;
}

/** `npm run lab -- soak --summary docs/evidence/soak.json`. */
export interface SoakResult {
  readonly kind: 'soak';
  readonly measuredAt: string;
  readonly setting: Setting;
  readonly seed: number;
  readonly minutes: number;
  readonly tasks: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Of cancels and kills, and of Terminate. */
  readonly answers: Readonly<Record<string, number>>;
  /** Tasks that ended in a second, in the second half; `wanted` if a rate was given. */
  readonly rate: { readonly sustained: number; readonly wanted?: number };
  /** Tasks at the same time, in the second half. */
  readonly open: Percentiles;
  readonly hits: readonly DoneHit[];
  /** Watches of our own that were begun again, and the longest time in which something may have gone unseen. */
  readonly gaps: { readonly number: number; readonly longestMs: number };
  /** Seconds. */
  readonly waited: Percentiles;
  readonly cancelledIn: Percentiles;
  readonly goneIn: Percentiles;
  readonly latePods: number;
  readonly failed: Readonly<Record<Offence['is'], number>>;
  readonly failures: readonly Failure[];
  readonly growth: Growth;
  readonly samples: readonly Sample[];
}

type Given = Pick<SoakResult, 'measuredAt' | 'setting' | 'seed' | 'minutes'> & { readonly wanted: number | undefined };

export function summarise({ entries, failures, hits, gaps, samples }: Soaked, given: Given): SoakResult {
  const { wanted, ...known } = given;
  const half = secondHalf(samples);
  const growth = growthOf(samples);
  const kinds = Object.keys(OFFENCES) as Offence['is'][];
  const failed = kinds.map((kind): [Offence['is'], number] => [kind, failures.filter(({ is }) => is === kind).length]);
  return {
    kind: 'soak',
    ...known,
    tasks: entries.length,
    outcomes: countBy(entries, ({ outcome }) => outcome),
    answers: countBy(entries, ({ act, answer }) => answer && `${act}: ${answer}`),
    rate: { sustained: rateOf(half), ...(wanted !== undefined && { wanted }) },
    open: percentilesOf(half.map(({ open }) => open)),
    hits: hits.map((hit) => ({ ...hit, seconds: tenths(hit.seconds) })).toSorted((a, b) => a.at - b.at),
    gaps: { number: gaps.length, longestMs: Math.max(0, ...gaps.map(({ ms }) => ms)) },
    waited: percentilesOf(entries.flatMap(({ waited }) => waited ?? [])),
    cancelledIn: percentilesOf(
      entries.flatMap(({ act, answeredIn }) => (act === 'cancel' && answeredIn !== undefined ? [answeredIn] : [])),
    ),
    goneIn: percentilesOf(entries.map(({ goneIn }) => goneIn)),
    latePods: entries.reduce((sum, { latePods }) => sum + latePods, 0),
    failed: Object.fromEntries(failed) as SoakResult['failed'],
    failures,
    growth: { anHour: tenths(growth.anHour), aThousandTasks: Math.round(growth.aThousandTasks * 100) / 100 },
    samples,
  };
}

function rateOf(samples: readonly Sample[]): number {
  const [first, last] = [samples.at(0), samples.at(-1)];
  if (first === undefined || last === undefined || last.seconds === first.seconds) return 0;
  return tenths((last.ended - first.ended) / (last.seconds - first.seconds));
}

function percentilesOf(values: readonly number[]): Percentiles {
  const at = (share: number) => (values.length === 0 ? 0 : tenths(percentile(values, share)));
  return { p50: at(50), p95: at(95), most: at(100) };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

function countBy<T>(items: readonly T[], nameOf: (item: T) => string | undefined): Readonly<Record<string, number>> {
  const names = items.flatMap((item) => nameOf(item) ?? []).toSorted();
  return Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]));
}
