/** What Holdfast's workflow and its attempts know, and the moves from phase to phase. */
import type { Anchor, Job } from '../cluster.ts';
import { tell } from '../promise.ts';
import type { Told, World } from '../world.ts';
import type { Activity, Attempt, Result, Variant } from './holdfast-attempts.ts';
import { newAttempt, removes } from './holdfast-attempts.ts';
import type { Names } from './holdfast-objects.ts';

export type Phase = 'clear' | 'provision' | 'reserve' | 'start' | 'run' | 'release' | 'last clear' | 'closed';

/** What the process of a kill knows. */
export interface Kill {
  readonly at: 'workflow' | 'anchor' | 'job' | 'pods' | 'wait';
  readonly anchor: Anchor | null;
  readonly job: Job | null;
  /** It removed a Pod's object without the node's word. */
  readonly forced: boolean;
}

export interface Holdfast {
  /** What history says. */
  readonly phase: Phase;
  readonly names: Names;
  readonly anchor: number;
  readonly job: number;
  /** What provision has made, while it clears what is older; history knows it when both are done. */
  readonly made: Extract<Result, { is: 'done' }> | null;
  readonly jobName: string;
  readonly started: boolean;
  /** Kueue may start the Job at any time. */
  readonly handedOver: boolean;
  readonly finished: boolean;
  readonly cancel: boolean;
  /** The anchor was provisioned by an older run; a Reset lets this one go on with it. */
  readonly adopted: boolean;
  /** After release all begins anew, under other names. */
  readonly again: boolean;
  readonly attempts: readonly Attempt[];
  readonly kill: Kill | null;
}

export type W = World<Holdfast>;

export const BEGINNING: Holdfast = {
  phase: 'provision',
  names: 'J',
  anchor: 0,
  job: 0,
  made: null,
  jobName: 'J',
  started: false,
  handedOver: false,
  finished: false,
  cancel: false,
  adopted: false,
  again: false,
  attempts: [newAttempt({ id: 1, of: 'provision', live: true, given: 0, owner: 0, names: 'J', name: 'J' })],
  kill: null,
};

export const liveOf = (local: Holdfast) => local.attempts.find((attempt) => attempt.live);

/** Their results are not wanted any more; they go on. */
export function abandoned(local: Holdfast): Holdfast {
  return { ...local, attempts: local.attempts.map((attempt) => ({ ...attempt, live: false })) };
}

export function withAttempt(local: Holdfast, id: number, change: (attempt: Attempt) => Attempt): Holdfast {
  return { ...local, attempts: local.attempts.map((attempt) => (attempt.id === id ? change(attempt) : attempt)) };
}

/** A new attempt of an activity, next to whatever zombies there are. */
export function scheduled(world: W, of: Activity, live = true, names: Names = namesFor(of, world.local)): W {
  const { local } = world;
  const settled = local.finished || of === 'sweep' || of === 'clear' ? 1 : 0;
  const given = of === 'start' ? local.job : removes({ of }) ? settled : 0;
  const owner = of === 'reserve' || of === 'start' ? local.anchor : 0;
  const name = names === local.names ? local.jobName : names;
  const attempt = newAttempt({ id: freeId(local), of, live, given, owner, names, name });
  const attempts = [...local.attempts, attempt].sort((a, b) => a.id - b.id);
  return { ...world, local: { ...local, attempts } };
}

/** What is cleared is the older attempt. */
const namesFor = (of: Activity, { names }: Holdfast): Names => (of === 'clear' ? 'J' : names);

function freeId(local: Holdfast): number {
  let id = 1;
  while (local.attempts.some((attempt) => attempt.id === id)) id += 1;
  return id;
}

export function entered(world: W, phase: Exclude<Phase, 'run' | 'closed'>): W {
  return scheduled({ ...world, local: { ...world.local, phase } }, activityOf(phase));
}

export function activityOf(phase: Exclude<Phase, 'run' | 'closed'>): Activity {
  return phase === 'last clear' ? 'clear' : phase;
}

/** To release, with whatever is known; the mutant leaves it out when it knows of no Job. */
export function giveUp(world: W, variant: Variant): W {
  if (variant.noReleaseIfUnknown && world.local.job === 0) return closed(world, 'cancelled_before_start');
  return entered(world, 'release');
}

export function closed(world: W, told: Told): W {
  return tell({ ...world, local: { ...world.local, phase: 'closed' } }, told);
}
