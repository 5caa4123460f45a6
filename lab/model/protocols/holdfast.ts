/**
 * Holdfast: the durable workflow of one task, as in DESIGN.md's life of a task.
 *
 * Assumes: Temporal keeps what was recorded and retries an activity until it has a result; the kubelet starts no
 * container whose ConfigMap is gone; nobody but a kill force-deletes Pods while their container runs; for an anchor that was
 * created after its task was over, and for tasks whose record was closed from outside, the sweeper runs some day.
 */
import { anchorNamed } from '../cluster.ts';
import type { ClusterHabits } from '../controllers.ts';
import type { Emit } from '../explore.ts';
import type { Budget, Protocol } from '../world.ts';
import { tell } from '../promise.ts';
import { apiWords, detached, send } from '../world.ts';
import { move } from './holdfast-activities.ts';
import { anew, lost, resetSteps } from './holdfast-anew.ts';
import type { Activity, Attempt, Result, Variant } from './holdfast-attempts.ts';
import { afterAnswer, afterUnclear } from './holdfast-attempts.ts';
import { afterKillAnswer, KILLER, killSteps } from './holdfast-kill.ts';
import { kueueSteps, mayHaveStarted } from './holdfast-kueue.ts';
import {
  abandoned,
  activityOf,
  BEGINNING,
  closed,
  entered,
  giveUp,
  type Holdfast,
  liveOf,
  scheduled,
  type W,
  withAttempt,
} from './holdfast-state.ts';

export const HABITS: ClusterHabits = {
  podsPerJob: 1,
  staleController: true,
  statusWrites: true,
  worksUntilEnd: true,
  ttl: false,
  kubelet: 'fresh',
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
      resetSteps(world, variant, emit);
      kueueSteps(world, variant, emit);
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
    const closed: W = {
      ...world,
      local: { ...abandoned(local), phase: 'closed' },
      left: { ...left, terminate: 0 },
    };
    emit('Somebody terminates the workflow: the record is closed and no code of it runs', tell(closed, 'terminated'));
  }
}

// --- The workflow -----------------------------------------------------------------------------------------------------

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
      emit(
        'The workflow follows the Job and sees that it is gone',
        local.adopted ? lost(world, variant) : entered(world, 'release'),
      );
    if (left.retry > 0 && local.names === 'J' && cluster.pods.length > 0)
      emit('The workflow follows the Job and sees that the platform takes its Pod away', lost(world, variant));
    if (local.cancel) emit('The workflow hears of the cancel', entered(world, 'release'));
    return;
  }
  if (live === undefined) {
    const spent = variant.releaseOnce && local.phase === 'release';
    const renamed = variant.reserveOtherName && local.phase === 'provision' ? { ...local, jobName: 'J*' } : local;
    const retried = scheduled({ ...world, local: renamed }, activityOf(local.phase));
    if (!spent) emit(`Temporal schedules another attempt of ${local.phase}`, retried);
    if (local.cancel && isCancellable(local))
      emit('The workflow hears of the cancel between two attempts', giveUp(world, variant));
    return;
  }
  if (local.cancel && local.phase === 'clear') {
    const rest = local.attempts.filter(({ id }) => id !== live.id);
    const stopped = detached({ ...world, local: { ...local, attempts: rest } }, [live.id]);
    emit('The worker hears of the cancel while it clears', giveUp(stopped, variant));
  }
  if (local.cancel && isCancellable(local) && left.zombie > 0) {
    const without = { ...world, local: abandoned(local), left: { ...left, zombie: left.zombie - 1 } };
    emit(
      `The workflow hears of the cancel; the attempt of ${local.phase}, given up by Temporal, goes on`,
      giveUp(without, variant),
    );
  }
}

/** What releases is shielded. */
const isCancellable = ({ phase }: Holdfast) => phase !== 'release' && phase !== 'last clear';

/** A live follow that is told NOT_FOUND, or the sweeper: whoever sees a closed record and something of its run. */
function sweeperSteps(world: W, variant: Variant, emit: Emit<W>): void {
  const { local, cluster } = world;
  // A kill meets the same steps in a release that goes on without being wanted; both at once are too many states.
  if (local.kill !== null || variant.noSweeper) return;
  for (const names of local.names === 'J' ? (['J'] as const) : (['J', 'J2'] as const)) {
    const name = names === local.names ? local.jobName : names;
    const left =
      anchorNamed(cluster, names) !== undefined || cluster.jobs.some((job) => !job.foreign && job.name === name);
    const busy = local.attempts.some((attempt) => attempt.of === 'sweep');
    if (left && !busy)
      emit('The sweeper finds something of a task whose record is closed', scheduled(world, 'sweep', false, names));
  }
}

// --- Attempts ---------------------------------------------------------------------------------------------------------

function attemptSteps(world: W, variant: Variant, emit: Emit<W>): void {
  for (const attempt of world.local.attempts) {
    const next = move(attempt, world.cluster, variant);
    if (next === undefined) continue;
    if (next.result !== undefined) {
      emit(next.label, over(world, attempt, next.result, variant));
      continue;
    }
    const moved = { ...world, local: withAttempt(world.local, attempt.id, () => next.attempt) };
    emit(next.label, next.request === undefined ? moved : send(moved, attempt.id, next.request));
  }
}

function over(world: W, attempt: Attempt, result: Result, variant: Variant): W {
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
  if (of === 'release') return released(world, result, variant);
  if (result.is === 'again') return world;
  if (result.is !== 'done') return lost(world, variant);
  if (of === 'clear') return cleared(world, result.started, variant);
  if (of === 'provision' && variant.clearLast && local.names === 'J2' && local.made === null) {
    const made: W = { ...world, local: { ...local, made: result } };
    return local.cancel ? giveUp(made, variant) : entered(made, 'clear');
  }
  const known: Holdfast = {
    ...local,
    anchor: of === 'provision' ? result.anchor : local.anchor,
    job: of === 'provision' || of === 'reserve' ? result.job : local.job,
    made: null,
    started: local.started || (of === 'start' && !variant.kueue),
  };
  const next: W = { ...world, local: known };
  if (local.cancel) return giveUp(next, variant);
  if (of === 'provision' && variant.letIn) return entered(next, 'reserve');
  const begun: W = { ...world, local: { ...known, ...beforeStart(known, variant) } };
  if (of !== 'start') return entered(begun, 'start');
  return { ...next, local: { ...known, phase: 'run' } };
}

/** What history says when start is scheduled. */
function beforeStart({ started }: Holdfast, variant: Variant): Pick<Holdfast, 'started' | 'handedOver'> {
  if (variant.kueue) return { started, handedOver: true };
  return { started: started || variant.startedByHistory === true, handedOver: false };
}

function cleared(world: W, started: boolean, variant: Variant): W {
  if (world.local.phase === 'last clear') return concluded(world, started);
  if (world.local.cancel) return giveUp(world, variant);
  return world.local.made ? advanced(world, 'provision', world.local.made, variant) : entered(world, 'provision');
}

function released(world: W, result: Result, variant: Variant): W {
  const { local } = world;
  if (result.is === 'unsettled') return entered({ ...world, local: { ...local, finished: true } }, 'release');
  if (result.is !== 'done') return scheduled(world, 'release');
  if (local.again && !local.finished) return anew(world, variant);
  const started = local.started || result.started || mayHaveStarted(local, result, variant);
  const known: W = { ...world, local: { ...local, started } };
  // Provision was cut short, and may not have seen to what was left before it.
  if (local.names === 'J2' && local.anchor === 0 && !variant.toldBeforeOlder) return entered(known, 'last clear');
  return concluded(known, false);
}

function concluded(world: W, started: boolean): W {
  const { local } = world;
  if (local.finished) return closed(world, 'succeeded');
  if (!local.cancel) return closed(world, 'failed');
  return closed(world, local.started || started ? 'cancelled' : 'cancelled_before_start');
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
    const late = { ...world, local: abandoned(local), left: { ...left, zombie: left.zombie - 1 } };
    emit(
      `Temporal times out the attempt of ${local.phase} and starts another; the first goes on`,
      scheduled(late, activityOf(local.phase)),
    );
  }
}
