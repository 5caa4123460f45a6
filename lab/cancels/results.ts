/** Pure: cases to what is said of them. */
import { percentile } from '../report/stats.ts';
import { untruths } from './judge.ts';
import type { Played } from './play.ts';

/** `npm run lab -- cancels --summary docs/evidence/cancels.json`. */
export interface CancelsResult {
  readonly kind: 'cancels';
  readonly measuredAt: string;
  readonly versions: Readonly<Record<'temporal' | 'node' | 'holdfast', string>>;
  /** `load`: the load average of the last quarter of an hour, everything on the machine together. */
  readonly machine: { readonly cores: number; readonly load: number };
  readonly atOnce: number;
  readonly seconds: number;
  readonly cases: number;
  /** Could not be played to their end, which says nothing of an answer. */
  readonly unplayed: number;
  readonly untrue: readonly { readonly id: string; readonly why: readonly string[] }[];
  readonly notFound: number;
  /** Answers 202 and 503 before one that settled it. */
  readonly unsettled: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** From the Job's end to the sending of the cancel. Milliseconds. */
  readonly sentAfter: Percentiles;
  /** From the sending of the cancel to the answer that settled it. Milliseconds. */
  readonly answeredIn: Percentiles;
}

export const OUTCOMES = {
  cancelled: 'cancelled',
  outrun: 'completed by itself, though the cancel was recorded before',
  before: 'completed before the cancel was recorded',
} as const;
type Outcome = keyof typeof OUTCOMES;

interface Percentiles {
  readonly p5: number;
  readonly p50: number;
  readonly p95: number;
}

export function summarise(played: readonly Played[]) {
  const untrue = played.map((seen) => ({ id: seen.id, why: untruths(seen) })).filter(({ why }) => why.length > 0);
  const number = (outcome: Outcome) => played.filter((seen) => outcomeOf(seen) === outcome).length;
  return {
    cases: played.length,
    untrue,
    notFound: played.filter(({ told, again }) => told.status === 404 || again.status === 404).length,
    unsettled: played.reduce((sum, { unsettled }) => sum + unsettled, 0),
    outcomes: { cancelled: number('cancelled'), outrun: number('outrun'), before: number('before') },
    sentAfter: percentilesOf(played.map(({ sentAfter }) => sentAfter)),
    answeredIn: percentilesOf(played.map(({ answeredIn }) => answeredIn)),
  } satisfies Partial<CancelsResult>;
}

function outcomeOf({ recorded: { closed, request } }: Played): Outcome {
  if (closed === 'cancelled') return 'cancelled';
  return request === undefined ? 'before' : 'outrun';
}

function percentilesOf(values: readonly number[]): Percentiles {
  const at = (part: number) => Math.round(percentile(values, part));
  return { p5: at(5), p50: at(50), p95: at(95) };
}
