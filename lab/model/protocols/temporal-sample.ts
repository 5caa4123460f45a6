/**
 * Temporal as its samples use it: a create activity, then a wait, and a delete in the catch of a cancel, shielded. The
 * cancellation type is the default, TRY_CANCEL: the workflow goes on at once while the create is still on its way.
 *
 * With `generateName` a retried create makes another Job, and the workflow knows no name until the activity answers.
 * With a known name the delete can be sent, but a 404 counts as success. At its best here: the delete is Foreground and
 * waits until Job and Pods are gone. Assumes that no cancel comes while a create is on its way, and that nobody uses
 * Terminate.
 */
import { jobNamed } from '../cluster.ts';
import { BASELINE_HABITS } from '../controllers.ts';
import type { Emit } from '../explore.ts';
import type { Budget, Protocol, World } from '../world.ts';
import { tell } from '../promise.ts';
import { apiWords, detached, send } from '../world.ts';

export interface Sample {
  readonly phase: 'create' | 'run' | 'delete' | 'closed';
  readonly cancel: boolean;
  /** The activity of the phase: to be sent, sent, or (a delete) answered and waiting until all is gone. */
  readonly activity: 'due' | 'sent' | 'waits';
  /** What the workflow knows of the Job's name. */
  readonly name: string;
  readonly tries: number;
}

type W = World<Sample>;

const CREATE = 1;
const DELETE = 2;

export function temporalSample(
  budget: Budget,
  naming: 'generated' | 'known',
  habits = BASELINE_HABITS,
): Protocol<Sample> {
  const nameOf = (tries: number) => (naming === 'known' || tries === 0 ? 'J' : `J${tries}`);
  return {
    name: `Temporal sample, ${naming} name`,
    local: { phase: 'create', cancel: false, activity: 'due', name: naming === 'known' ? 'J' : '', tries: 0 },
    habits,
    budget,
    steps: (world, emit) => {
      userSteps(world, emit);
      workflowSteps(world, nameOf, emit);
      crashSteps(world, emit);
    },
    answered: (local, from) => {
      if (from === DELETE) return { ...local, activity: 'waits' };
      // 409 under a known name: an earlier try of ours; the sample takes it as done.
      return { ...local, phase: 'run', name: nameOf(local.tries - 1) };
    },
    unclear: (local) => ({ ...local, activity: 'due' }),
    receive: (world) => world,
    describe: ({ request }, answer) => apiWords(request, answer),
    quiet: (local) => local.phase === 'closed',
  };
}

function userSteps(world: W, emit: Emit<W>): void {
  const { local, left } = world;
  if (local.phase === 'closed') return;
  if (left.cancel > 0 && !local.cancel)
    emit('User requests cancellation; Temporal records it', {
      ...world,
      local: { ...local, cancel: true },
      left: { ...left, cancel: left.cancel - 1 },
    });
  if (left.terminate > 0)
    emit(
      'Somebody terminates the workflow: no code of it runs',
      tell({ ...detached(closed(world), [CREATE, DELETE]), left: { ...left, terminate: 0 } }, 'terminated'),
    );
}

const closed = (world: W): W => ({ ...world, local: { ...world.local, phase: 'closed' } });

function workflowSteps(world: W, nameOf: (tries: number) => string, emit: Emit<W>): void {
  const { local, cluster } = world;
  if (local.phase === 'create') {
    if (local.activity === 'due') {
      const sent: W = { ...world, local: { ...local, activity: 'sent', tries: Math.min(local.tries + 1, 3) } };
      const shape = { owner: 0, mounts: '', suspended: false, foreign: false };
      emit(
        'Create activity sends "create the Job"',
        send(sent, CREATE, { verb: 'create job', name: nameOf(local.tries), ...shape }),
      );
    }
    if (local.cancel) emit('TRY_CANCEL: the workflow goes on at once, to its catch', caught(detached(world, [CREATE])));
  }
  if (local.phase === 'run') {
    const job = jobNamed(cluster, local.name);
    if (job?.finished && !job.foreign)
      emit('The workflow sees that the Job has finished', tell(closed(world), 'succeeded'));
    if (local.cancel) emit('The workflow hears of the cancel and goes to its catch', caught(world));
  }
  if (local.phase === 'delete') deleteSteps(world, emit);
}

function caught(world: W): W {
  const { local } = world;
  if (local.name === '') return tell(closed(world), 'cancelled');
  return { ...world, local: { ...local, phase: 'delete', activity: 'due' } };
}

function deleteSteps(world: W, emit: Emit<W>): void {
  const { local, cluster } = world;
  if (local.activity === 'due') {
    const request = { verb: 'delete job', name: local.name, uid: 0, version: 0, propagation: 'Foreground' } as const;
    emit('Catch sends "delete the Job"', send({ ...world, local: { ...local, activity: 'sent' } }, DELETE, request));
  }
  const gone = jobNamed(cluster, local.name)?.foreign !== false && cluster.pods.length === 0;
  if (local.activity === 'waits' && gone)
    emit('Nothing is there: the workflow closes as cancelled', tell(closed(world), 'cancelled'));
}

function crashSteps(world: W, emit: Emit<W>): void {
  const { local, left } = world;
  if (left.crash === 0 || local.activity !== 'sent' || local.phase === 'run' || local.phase === 'closed') return;
  emit('The worker process is killed; its request stays on its way; Temporal tries again', {
    ...detached({ ...world, local: { ...local, activity: 'due' } }, [CREATE, DELETE]),
    left: { ...left, crash: left.crash - 1 },
  });
}
