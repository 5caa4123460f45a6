/** Pure: what was told of a task, held against what the API server's own watch showed of it. */
import type { CancelAnswer, Outcome } from '../../src/contract.ts';
import type { KillAnswer } from '../../src/kill/contract.ts';
import { mostAtOnce } from '../sweep/at-once.ts';
import type { Glimpse } from '../sweep/eyes.ts';
import type { Part } from './parts.ts';

/** `terminated`: Temporal took the request. `not in time`: the task had ended before. */
export type Answer = CancelAnswer | KillAnswer | 'terminated' | 'not in time';

export interface Seen {
  readonly part: Part;
  /** Undefined if nothing was asked of it. */
  readonly answer: Answer | undefined;
  /** Undefined: none was told. */
  readonly outcome: Outcome | undefined;
  /** After the answer and the outcome: the API server's revision, and the Pods not ended at it. */
  readonly told: { readonly revision: number; readonly livePods: readonly string[] };
  readonly glimpses: readonly Glimpse[];
  readonly leftAfterQuiet: readonly string[];
}

export const OFFENCES = {
  lost: 'lost',
  untrue: 'told untruly',
  'ran on': 'ran on after it was told',
  doubled: 'started twice at the same time',
  left: 'left something behind',
  touched: "touched, though it is somebody else's",
  grew: 'grew beyond its limit',
  ended: 'ended by itself',
  unjudged: 'could not be judged',
} as const;

export interface Offence {
  readonly is: keyof typeof OFFENCES;
  readonly what: string;
}

const TRUE_OUTCOME: Readonly<Partial<Record<Answer, Outcome>>> = {
  cancelled_before_start: 'cancelled',
  cancelled_running: 'cancelled',
  already_cancelled: 'cancelled',
  already_completed: 'succeeded',
  already_terminated: 'terminated',
  killed: 'terminated',
  killed_unproved: 'terminated',
  terminated: 'terminated',
  'not in time': 'succeeded',
};

/** Empty: the promise was kept. */
export function offences(seen: Seen): readonly Offence[] {
  if (seen.outcome === undefined) return [{ is: 'lost', what: 'no outcome was told' }];
  return [...untrue(seen), ...ranOn(seen), ...doubled(seen), ...left(seen)];
}

/**
 * Of what appeared when a task had been judged. A request that is late leaves an anchor, which is empty, and a Job, which is
 * suspended, as it was born: nobody starts it, and the sweeper, or the garbage collector, takes it.
 */
export function straggled({ kind, name, type, live }: Glimpse): readonly Offence[] {
  if (kind !== 'Pod' && !live) return [];
  const how = live ? ', and ran,' : '';
  return [{ is: 'ran on', what: `${kind} ${name} was ${type}${how} after all had been told` }];
}

/** Kubernetes may make two Pods of a Job where it was to make one, and fail the Job for it: that is told truly as a failure. */
function wasDoubledByKubernetes({ glimpses }: Pick<Seen, 'glimpses'>): boolean {
  const jobOf = ({ name }: Glimpse) => name.replace(/-[^-]*$/, '');
  const pods = Map.groupBy(
    glimpses.filter(({ kind }) => kind === 'Pod'),
    jobOf,
  );
  return [...pods.values()].some((ofJob) => new Set(ofJob.map(({ uid }) => uid)).size > 1);
}

function untrue({ answer, outcome, glimpses }: Seen): readonly Offence[] {
  if (outcome === 'failed' && wasDoubledByKubernetes({ glimpses })) return [];
  const expected = answer === undefined ? 'succeeded' : TRUE_OUTCOME[answer];
  const said = answer === undefined ? 'left alone' : `answered ${answer}`;
  const found: Offence[] =
    expected === outcome ? [] : [{ is: 'untrue', what: `${said}, and its outcome is ${outcome}` }];
  if (answer === 'cancelled_before_start' && glimpses.some(({ kind }) => kind === 'Pod'))
    found.push({ is: 'untrue', what: `${said}, and there was a Pod` });
  return found;
}

/** Temporal's Terminate promises nothing of the moment in which it answers, nor does a kill without proof. */
function ranOn(seen: Seen): readonly Offence[] {
  if (seen.answer === 'killed_unproved' || seen.answer === 'terminated') return [];
  const { told, glimpses } = seen;
  const late = new Set(latePods(seen));
  const running = glimpses.find(
    ({ kind, live, revision, uid }) => kind === 'Pod' && live && revision > told.revision && !late.has(uid),
  );
  return [
    ...told.livePods.map((name): Offence => ({ is: 'ran on', what: `Pod ${name} was not ended when it was told` })),
    ...(running === undefined ? [] : [{ is: 'ran on' as const, what: `a container ran after it: ${running.name}` }]),
  ];
}

function doubled({ glimpses }: Seen): readonly Offence[] {
  const most = mostAtOnce(glimpses, 'Job');
  return most > 1 ? [{ is: 'doubled', what: `${most} Jobs of it were started at the same time` }] : [];
}

function left({ leftAfterQuiet }: Seen): readonly Offence[] {
  return leftAfterQuiet.map((name) => ({ is: 'left', what: name }));
}

/**
 * uids of Pods that were made when the anchor that they mount was gone. A real node does not start their containers, so
 * they are counted and are no offence; a simulated one, which mounts nothing, may.
 */
export function latePods({ glimpses }: Pick<Seen, 'glimpses'>): readonly string[] {
  const anchors = glimpses.filter(({ kind }) => kind === 'ConfigMap');
  const last = anchors.at(-1);
  const goneAt = last?.type === 'DELETED' ? last.revision : Infinity;
  const made = glimpses.filter(({ kind, type, revision }) => kind === 'Pod' && type === 'ADDED' && revision > goneAt);
  return made.map(({ uid }) => uid);
}
