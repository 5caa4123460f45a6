/**
 * What begins a task anew: a Reset, which lets another run go on from some point of the old one's history; and within a
 * run an anchor that was lost, or a Pod that the platform took away, after release. Once, in this model.
 */
import type { Emit } from '../explore.ts';
import { renamed, reopened } from '../promise.ts';
import type { Variant } from './holdfast-attempts.ts';
import { abandoned, entered, giveUp, type Holdfast, type W } from './holdfast-state.ts';

type Point = 'provision' | 'reserve' | 'start' | 'run';

export function resetSteps(world: W, variant: Variant, emit: Emit<W>): void {
  const { local, left } = world;
  if (left.reset === 0 || local.names !== 'J' || local.kill !== null) return;
  const before = { ...world, left: { ...left, reset: left.reset - 1 } };
  for (const point of pointsOf(local, variant))
    emit(`Reset: another run takes the old one's place, at its ${point}`, resetTo(before, point, variant));
}

function pointsOf({ anchor, job, started }: Holdfast, variant: Variant): readonly Point[] {
  return [
    'provision',
    ...(anchor === 0 || !variant.letIn ? [] : (['reserve'] as const)),
    ...(job === 0 ? [] : (['start'] as const)),
    ...(started && job !== 0 ? (['run'] as const) : []),
  ];
}

/** Temporal gives the old run's activities up; what it was told later than that point is forgotten. */
function resetTo(world: W, point: Point, variant: Variant): W {
  const old = abandoned(world.local);
  const back = { ...old, started: false, finished: false, cancel: false, again: false };
  const open = { ...world, facts: reopened(world.facts) };
  if (point === 'provision') return anew({ ...open, local: back }, variant);
  const started = point === 'run' || (point === 'start' && variant.startedByHistory === true && !variant.kueue);
  const adopting = { ...back, adopted: true, job: point === 'reserve' ? 0 : old.job, started };
  const resumed: W = { ...open, local: adopting };
  return point === 'run' ? { ...resumed, local: { ...adopting, phase: 'run' } } : entered(resumed, point);
}

/** To release and, if the task may begin anew and nobody has cancelled it, to another attempt after it. */
export function lost(world: W, variant: Variant): W {
  const { local, left } = world;
  const mayAgain = local.names === 'J' && !local.cancel && (local.adopted || left.retry > 0);
  if (!mayAgain) return entered(world, 'release');
  const once: W = local.adopted ? world : { ...world, left: { ...left, retry: left.retry - 1 } };
  if (variant.retryBeforeRelease) return anew(once, variant);
  return entered({ ...once, local: { ...local, again: true } }, 'release');
}

/** Another attempt: it clears what the older one may have left, then provisions. */
export function anew(world: W, variant: Variant): W {
  const { local } = world;
  const fresh = {
    names: 'J2',
    jobName: 'J2',
    anchor: 0,
    job: 0,
    made: null,
    handedOver: false,
    adopted: false,
    again: false,
  } as const;
  const begun: W = { ...world, local: { ...local, ...fresh }, facts: renamed(world.facts, 'J2') };
  if (local.cancel) return giveUp(begun, variant);
  return entered(begun, variant.resetLeavesOlder || variant.clearLast ? 'provision' : 'clear');
}
