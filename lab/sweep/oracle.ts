/** Pure: from what was seen at the API server and what was told, to what is wrong. */
import type { CancelAnswer, Outcome } from '../../src/contract.ts';
import type { Glimpse } from './eyes.ts';

export interface Observed {
  readonly cancelled: boolean;
  /** What the cancel was answered; undefined if there was none. */
  readonly answer: CancelAnswer | undefined;
  readonly outcome: Outcome | undefined;
  /** When the outcome had been told: the API server's revision, and the Pods not ended at it. */
  readonly told: { readonly revision: number; readonly livePods: readonly string[] };
  readonly glimpses: readonly Glimpse[];
  readonly leftAfterQuiet: readonly string[];
}

const EXPECTED: Readonly<Partial<Record<CancelAnswer, Outcome>>> = {
  cancelled_before_start: 'cancelled',
  cancelled_running: 'cancelled',
  already_cancelled: 'cancelled',
  already_completed: 'succeeded',
};

/** Every sentence is a broken promise. Empty: the case held. */
export function offences(seen: Observed): readonly string[] {
  return [
    ...untrue(seen),
    ...tooLate(seen),
    ...doubled(seen),
    ...seen.leftAfterQuiet.map((name) => `left after quiet: ${name}`),
  ];
}

function untrue({ cancelled, answer, outcome }: Observed): readonly string[] {
  if (!cancelled) return outcome === 'succeeded' ? [] : [`not cancelled, and yet ${outcome ?? 'without an outcome'}`];
  const expected = answer && EXPECTED[answer];
  return expected !== undefined && expected === outcome ? [] : [`answered ${answer}, but the record says ${outcome}`];
}

function tooLate({ answer, outcome, told, glimpses }: Observed): readonly string[] {
  const pods = glimpses.filter(({ kind }) => kind === 'Pod');
  const found = told.livePods.map((name) => `Pod ${name} was not ended when the outcome was told`);
  if (answer === 'cancelled_before_start' && pods.length > 0) found.push('told "before start", but there was a Pod');
  if (outcome !== 'cancelled') return found;
  const after = pods.filter(({ revision }) => revision > told.revision);
  const running = after.filter(({ live }) => live);
  if (running.length > 0) found.push(`a container ran after the answer: ${running[0]?.name}`);
  return found;
}

function doubled({ glimpses }: Observed): readonly string[] {
  const { length } = startedJobs(glimpses);
  return length > 1 ? [`${length} Jobs of one task were started`] : [];
}

/** uids of the Jobs that were ever let go. */
export function startedJobs(glimpses: readonly Glimpse[]): readonly string[] {
  return [...new Set(glimpses.filter(({ kind, live }) => kind === 'Job' && live).map(({ uid }) => uid))];
}

/** Not an offence where nodes are real (the Pod cannot start): a Pod object that was made after the answer. */
export function latePods({ told, glimpses }: Observed): number {
  const late = glimpses.filter(
    ({ kind, type, revision }) => kind === 'Pod' && type === 'ADDED' && revision > told.revision,
  );
  return late.length;
}
