/**
 * Holdfast: the durable workflow of one task, as in DESIGN.md's life of a task.
 *
 * Assumes: Temporal keeps what was recorded and retries an activity until it has a result; the kubelet starts no
 * container whose ConfigMap is gone; nobody but a kill force-deletes Pods while their container runs; for an anchor that was
 * created after its task was over, and for tasks whose record was closed from outside, the sweeper runs some day.
 */
import type { ClusterHabits } from '../controllers.ts';
import type { Emit } from '../explore.ts';
import type { Budget, Protocol, Told, World } from '../world.ts';
import { tell } from '../promise.ts';
import { apiWords, detached, send } from '../world.ts';
import type { Activity, Attempt, Result, Variant } from './holdfast-activities.ts';
import { afterAnswer, afterUnclear, move, newAttempt } from './holdfast-activities.ts';
import { afterKillAnswer, type Kill, KILLER, killSteps } from './holdfast-kill.ts';

export interface Holdfast {
  /** What history says. */
  readonly phase: 'provision' | 'reserve' | 'start' | 'run' | 'release' | 'closed';
  readonly anchor: number;
  readonly job: number;
  readonly jobName: string;
  readonly started: boolean;
  readonly finished: boolean;
  readonly cancel: boolean;
  readonly attempts: readonly Attempt[];
  readonly kill: Kill | null;
}

type W = World<Holdfast>;

export const HABITS: ClusterHabits = {
  podsPerJob: 1,
  staleController: true,
  statusWrites: true,
  worksUntilEnd: true,
  ttl: false,
  kubelet: 'fresh',
};

const BEGINNING: Holdfast = {
  phase: 'provision',
  anchor: 0,
  job: 0,
  jobName: 'J',
  started: false,
  finished: false,
  cancel: false,
  attempts: [newAttempt(1, 'provision', true, 0, 'A')],
  kill: null,
};

export function holdfast(budget: Budget, habits: ClusterHabits = HABITS, variant: Variant = {}): Protocol<Holdfast> {
  return {
    name: 'Holdfast',
    local: BEGINNING,
    habits,
    budget,
    steps: (world, emit) => {
      userSteps(world, emit);
      workflowSteps(world, variant, emit);
      attemptSteps(world, variant, emit);
      killSteps(world, variant, emit);
      faultSteps(world, emit);
    },
    answered: (local, from, answer) =>
      from === KILLER ? afterKillAnswer(local) : withAttempt(local, from, (attempt) => afterAnswer(attempt, answer)),
    unclear: (local, from) => (from === KILLER ? afterKillAnswer(local) : withAttempt(local, from, afterUnclear)),
    receive: (world) => world,
    describe: ({ request }, answer) => apiWords(request, answer),
    quiet: (local) => local.phase === 'closed' && local.attempts.length === 0 && local.kill === null,
  };
}

// --- The user and the record ------------------------------------------------------------------------------------------

function userSteps(world: W, emit: Emit<W>): void {
  const { local, left } = world;
  if (local.phase === 'closed') return;
  if (left.cancel > 0 && !local.cancel)
    emit('User requests cancellation; Temporal records it', {
      ...world,
      local: { ...local, cancel: true },
      left: { ...left, cancel: left.cancel - 1 },
    });
  if (left.terminate > 0) {
    const attempts = local.attempts.map((attempt) => ({ ...attempt, live: false }));
    const closed = {
      ...world,
      local: { ...local, phase: 'closed' as const, attempts },
      left: { ...left, terminate: 0 },
    };
    emit('Somebody terminates the workflow: the record is closed and no code of it runs', tell(closed, 'terminated'));
  }
}

// --- The workflow -----------------------------------------------------------------------------------------------------

const liveOf = (local: Holdfast) => local.attempts.find((attempt) => attempt.live);

function freeId(local: Holdfast): number {
  let id = 1;
  while (local.attempts.some((attempt) => attempt.id === id)) id += 1;
  return id;
}

/** A new attempt of the phase's activity, next to whatever zombies there are. */
function scheduled(world: W, phase: Activity, live = true): W {
  const { local } = world;
  const settled = local.finished || phase === 'sweep' ? 1 : 0;
  const given = phase === 'reserve' ? local.anchor : phase === 'start' ? local.job : settled;
  const attempt = newAttempt(freeId(local), phase, live, given, local.jobName);
  return { ...world, local: { ...local, attempts: inOrder([...local.attempts, attempt]) } };
}

const inOrder = (attempts: readonly Attempt[]) => [...attempts].sort((a, b) => a.id - b.id);

function entered(world: W, phase: 'reserve' | 'start' | 'release'): W {
  return scheduled({ ...world, local: { ...world.local, phase } }, phase);
}

function workflowSteps(world: W, variant: Variant, emit: Emit<W>): void {
  const { local, cluster, left } = world;
  const live = liveOf(local);
  if (local.phase === 'closed') return sweeperSteps(world, variant, emit);
  if (local.phase === 'run') {
    const job = cluster.jobs.find((item) => item.uid === local.job);
    const finished = { ...world, local: { ...local, finished: true } };
    if (job?.finished && job.ending === '')
      emit('The workflow follows the Job and sees that it has finished', entered(finished, 'release'));
    if (job === undefined || job.ending !== '')
      emit('The workflow follows the Job and sees that it is gone', entered(world, 'release'));
    if (local.cancel) emit('The workflow hears of the cancel', entered(world, 'release'));
    return;
  }
  if (live === undefined) {
    const spent = variant.releaseOnce && local.phase === 'release';
    const renamed = variant.reserveOtherName && local.phase === 'reserve' ? { ...local, jobName: 'J2' } : local;
    const retried = scheduled({ ...world, local: renamed }, local.phase);
    if (!spent) emit(`Temporal schedules another attempt of ${local.phase}`, retried);
    if (local.cancel && local.phase !== 'release')
      emit('The workflow hears of the cancel between two attempts', giveUp(world, variant));
    return;
  }
  if (local.cancel && local.phase !== 'release' && left.zombie > 0) {
    const attempts = local.attempts.map((attempt) => ({ ...attempt, live: false }));
    const without = { ...world, local: { ...local, attempts }, left: { ...left, zombie: left.zombie - 1 } };
    emit(
      `The workflow hears of the cancel; the attempt of ${local.phase}, given up by Temporal, goes on`,
      giveUp(without, variant),
    );
  }
}

/** To release, with whatever is known; the mutant leaves it out when it knows of no Job. */
function giveUp(world: W, variant: Variant): W {
  if (variant.noReleaseIfUnknown && world.local.job === 0) return closed(world, 'cancelled_before_start');
  return entered(world, 'release');
}

function closed(world: W, told: Told): W {
  return tell({ ...world, local: { ...world.local, phase: 'closed' } }, told);
}

/** A live follow that is told NOT_FOUND, or the sweeper: whoever sees a closed record and something of its run. */
function sweeperSteps(world: W, variant: Variant, emit: Emit<W>): void {
  const { local, cluster } = world;
  const left = cluster.anchor !== null || cluster.jobs.some((job) => !job.foreign && job.name === local.jobName);
  const busy = local.attempts.some((attempt) => attempt.of === 'sweep');
  // A kill meets the same steps in a release that goes on without being wanted; both at once are too many states.
  if (!left || busy || local.kill !== null || variant.noSweeper) return;
  emit('The sweeper finds something of a task whose record is closed', scheduled(world, 'sweep', false));
}

// --- Attempts ---------------------------------------------------------------------------------------------------------

function attemptSteps(world: W, variant: Variant, emit: Emit<W>): void {
  for (const attempt of world.local.attempts) {
    const next = move(attempt, world.cluster, variant);
    if (next === undefined) continue;
    if (next.result !== undefined) {
      emit(next.label, concluded(world, attempt, next.result, variant));
      continue;
    }
    const moved = { ...world, local: withAttempt(world.local, attempt.id, () => next.attempt) };
    emit(next.label, next.request === undefined ? moved : send(moved, attempt.id, next.request));
  }
}

function withAttempt(local: Holdfast, id: number, change: (attempt: Attempt) => Attempt): Holdfast {
  return { ...local, attempts: local.attempts.map((attempt) => (attempt.id === id ? change(attempt) : attempt)) };
}

function concluded(world: W, attempt: Attempt, result: Result, variant: Variant): W {
  const { local } = world;
  const without: W = {
    ...world,
    local: { ...local, attempts: local.attempts.filter((item) => item.id !== attempt.id) },
  };
  if (!attempt.live) return without;
  return advanced(without, attempt.of, result, variant);
}

function advanced(world: W, of: Activity, result: Result, variant: Variant): W {
  const { local } = world;
  if (of === 'release') return ended(world, result);
  if (result.is === 'again') return world;
  if (result.is !== 'done') return entered(world, 'release');
  const known: Holdfast = {
    ...local,
    anchor: of === 'provision' ? result.uid : local.anchor,
    job: of === 'reserve' ? result.uid : local.job,
    started: local.started || of === 'start',
  };
  const next: W = { ...world, local: known };
  if (local.cancel) return giveUp(next, variant);
  if (of === 'provision') return entered(next, 'reserve');
  const begun: W = variant.startedByHistory ? { ...world, local: { ...known, started: true } } : next;
  if (of === 'reserve') return entered(begun, 'start');
  return { ...next, local: { ...known, phase: 'run' } };
}

function ended(world: W, result: Result): W {
  const { local } = world;
  if (result.is === 'unsettled') return entered({ ...world, local: { ...local, finished: true } }, 'release');
  if (result.is !== 'done') return scheduled(world, 'release');
  if (local.finished) return closed(world, 'succeeded');
  if (!local.cancel) return closed(world, 'failed');
  return closed(world, local.started || result.started ? 'cancelled' : 'cancelled_before_start');
}

// --- Faults -----------------------------------------------------------------------------------------------------------

function faultSteps(world: W, emit: Emit<W>): void {
  const { local, left } = world;
  if (left.crash > 0 && local.attempts.length > 0) {
    const crashed = detached(
      { ...world, local: { ...local, attempts: [] } },
      local.attempts.map((attempt) => attempt.id),
    );
    emit('The worker process is killed; its requests stay on their way', {
      ...crashed,
      left: { ...left, crash: left.crash - 1 },
    });
  }
  if (left.zombie > 0 && local.phase !== 'closed' && local.phase !== 'run' && liveOf(local) !== undefined) {
    const attempts = local.attempts.map((attempt) => ({ ...attempt, live: false }));
    const late = { ...world, local: { ...local, attempts }, left: { ...left, zombie: left.zombie - 1 } };
    emit(
      `Temporal times out the attempt of ${local.phase} and starts another; the first goes on`,
      scheduled(late, local.phase),
    );
  }
}
