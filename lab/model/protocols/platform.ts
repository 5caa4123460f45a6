/**
 * The platform of background/orphan-race.txt: a queue worker, a dispatcher behind HTTP, a status record, a cancel
 * handler. What every option shares is here, at its best: status changes are compare-and-set, the worker drops what is
 * cancelled, a call that stayed without an answer is made again (the Job's name is fixed, so that is harmless), the
 * queue redelivers when a worker dies, and the kill deletes Foreground and waits until the Pods are gone before the
 * handler says "cancelled". The options differ in what dispatcher and handler do.
 */
import type { Answer, ApiRequest } from '../cluster.ts';
import { apply, jobNamed } from '../cluster.ts';
import type { ClusterHabits } from '../controllers.ts';
import { BASELINE_HABITS } from '../controllers.ts';
import type { Emit } from '../explore.ts';
import type { Budget, Flight, Protocol, World } from '../world.ts';
import { tell } from '../promise.ts';
import { apiWords, call, detached, send } from '../world.ts';

export type Status = 'pending' | 'provisioning' | 'running' | 'cancelled' | 'failed' | 'completed';

export interface Platform {
  readonly status: Status;
  readonly worker: 'idle' | 'picked' | 'marked' | 'called' | 'confirms' | 'confirming' | 'follows' | 'over';
  /** Where the dispatcher is with the one request that it works on. */
  readonly dispatcher: string;
  readonly handler: string;
  /** Of the clean-up: the uid of what it saw, 0 when it rests. */
  readonly cleaner: number;
  readonly lock: '' | 'dispatcher' | 'handler';
  /** A token, claim or reservation in the store. */
  readonly token: '' | 'valid' | 'used' | 'created' | 'stopped' | 'invalid';
  /** cancel_requested, or the cancel event in the stream. */
  readonly flag: boolean;
}

export interface Call {
  readonly verb: 'execute' | 'reserve';
}

export type PlatformWorld = World<Platform, Call>;
export type Steps = (world: PlatformWorld, emit: Emit<PlatformWorld>) => void;

const WORKER = 1;
export const HANDLER = 3;

export interface Option {
  readonly name: string;
  readonly budget: Budget;
  /** What the dispatcher does with a request that it has received, step by step. */
  readonly dispatcher: Steps;
  readonly handler: Steps;
  readonly others?: Steps;
  /** What the worker stores with its call. */
  readonly issues?: (local: Platform) => Platform;
  /** The worker asks for a reservation first, and then confirms it. */
  readonly twoPhase?: true;
}

const BEGINNING: Platform = {
  status: 'pending',
  worker: 'idle',
  dispatcher: 'idle',
  handler: 'idle',
  cleaner: 0,
  lock: '',
  token: '',
  flag: false,
};

export function platform(option: Option, habits: ClusterHabits = BASELINE_HABITS): Protocol<Platform, Call> {
  return {
    name: option.name,
    local: BEGINNING,
    habits,
    budget: option.budget,
    steps: (world, emit) => {
      workerSteps(option, world, emit);
      userSteps(world, emit);
      option.handler(world, emit);
      option.dispatcher(world, emit);
      option.others?.(world, emit);
      crashSteps(world, emit);
    },
    answered: (local, from, { code }) =>
      from === HANDLER ? { ...local, handler: code === 404 ? 'none' : 'waits' } : local,
    unclear: (local, from) => {
      if (from === HANDLER) return { ...local, handler: 'kill' };
      return { ...local, worker: local.worker === 'confirming' ? 'confirms' : 'marked' };
    },
    receive: (world, request) => received(world, request),
    describe,
    quiet: ({ worker, dispatcher, handler, cleaner }) =>
      (worker === 'over' || worker === 'idle') &&
      dispatcher === 'idle' &&
      (handler === 'over' || handler === 'idle') &&
      cleaner === 0,
  };
}

function describe({ request }: Flight<Call>, answered?: Answer): string {
  if (request.verb === 'reserve') return 'Dispatcher receives the request for a reservation';
  if (request.verb === 'execute') return 'Dispatcher finally receives/processes the request from {execute}';
  if (request.verb !== 'delete job') return apiWords(request as ApiRequest, answered);
  return answered?.code === 404 ? 'Kill returns 404 (no K8s job exists yet)' : `Kill returns ${answered?.code}`;
}

/** The dispatcher takes one request at a time; others wait on their way. */
function received(world: PlatformWorld, { verb }: Call): PlatformWorld | false {
  if (world.local.dispatcher !== 'idle') return false;
  return set(world, { dispatcher: verb === 'reserve' ? 'reserving' : 'received' });
}

export function set(world: PlatformWorld, change: Partial<Platform>): PlatformWorld {
  return { ...world, local: { ...world.local, ...change } };
}

// --- Worker -----------------------------------------------------------------------------------------------------------

function workerSteps(option: Option, world: PlatformWorld, emit: Emit<PlatformWorld>): void {
  const { local, cluster } = world;
  switch (local.worker) {
    case 'idle':
      if (local.status === 'pending') emit('Worker picks up the evaluation task', set(world, { worker: 'picked' }));
      return;
    case 'picked':
      if (local.status === 'pending')
        emit('Worker updates status to "provisioning"', set(world, { worker: 'marked', status: 'provisioning' }));
      else emit(`Worker reads status "${local.status}"`, set(world, { worker: ended(local) ? 'over' : 'marked' }));
      return;
    case 'marked':
      return startCall(option, world, emit);
    case 'confirms':
      emit('Worker confirms the reservation', call(set(world, { worker: 'confirming' }), WORKER, { verb: 'execute' }));
      return;
    case 'follows': {
      const job = jobNamed(cluster, 'J');
      if (ended(local)) emit(`Worker reads status "${local.status}" and stops`, set(world, { worker: 'over' }));
      else if (job?.finished && !job.foreign)
        emit(
          'Worker sees the finished Job and updates status to "completed"',
          tell(set(world, { worker: 'over', status: 'completed' }), 'succeeded'),
        );
      return;
    }
    case 'called':
    case 'confirming':
    case 'over':
      return;
  }
}

function startCall(option: Option, world: PlatformWorld, emit: Emit<PlatformWorld>): void {
  if (ended(world.local)) {
    emit(`Worker reads status "${world.local.status}" and stops`, set(world, { worker: 'over' }));
    return;
  }
  if (option.twoPhase) {
    emit(
      'Worker asks the dispatcher for a reservation',
      call(set(world, { worker: 'called' }), WORKER, { verb: 'reserve' }),
    );
    return;
  }
  const issued = option.issues?.(world.local) ?? world.local;
  const called = { ...issued, worker: 'called' } as const;
  emit(
    'Worker makes HTTP call to dispatcher to create K8s job',
    call({ ...world, local: called }, WORKER, { verb: 'execute' }),
  );
}

export const ended = ({ status }: Platform) => status === 'cancelled' || status === 'failed' || status === 'completed';

// --- Dispatcher -------------------------------------------------------------------------------------------------------

/** The dispatcher's answer to the worker, if it still waits; then it is free for the next request. */
export function answer(world: PlatformWorld, result: 'created' | 'refused' | 'reserved'): PlatformWorld {
  const { local } = world;
  const free = set(world, { dispatcher: 'idle' });
  if (local.worker !== 'called' && local.worker !== 'confirming') return free;
  if (result === 'reserved') return set(free, { worker: 'confirms' });
  if (result === 'created') return set(free, { worker: 'follows', status: ended(local) ? local.status : 'running' });
  if (ended(local)) return set(free, { worker: 'over' });
  return local.flag || local.token === 'invalid'
    ? set(free, { worker: 'over' })
    : tell(set(free, { worker: 'over', status: 'failed' }), 'failed');
}

const JOB = { verb: 'create job', name: 'J', owner: 0, mounts: '', suspended: false, foreign: false } as const;

/** The create as one step; or one that stays on its way to the API server while the dispatcher tries again. */
export function createsJob(
  world: PlatformWorld,
  emit: Emit<PlatformWorld>,
  then: (world: PlatformWorld) => PlatformWorld,
): void {
  const { cluster, answer: given } = apply(world.cluster, JOB);
  const label =
    given.code === 201 ? 'Dispatcher creates K8s job' : 'Dispatcher tries to create the K8s job: the name is taken';
  emit(label, then({ ...world, cluster }));
  if (world.left.late === 0) return;
  const left = { ...world.left, late: world.left.late - 1 };
  emit(
    'Dispatcher sends the create to Kubernetes and gets no answer in time: it is still on its way, and it tries again',
    {
      ...send(world, 0, JOB),
      left,
    },
  );
}

// --- User and cancel handler ------------------------------------------------------------------------------------------

function userSteps(world: PlatformWorld, emit: Emit<PlatformWorld>): void {
  const { local, left } = world;
  if (left.cancel === 0 || local.handler !== 'idle' || ended(local)) return;
  emit('User requests cancellation', {
    ...set(world, { handler: 'asked' }),
    left: { ...left, cancel: left.cancel - 1 },
  });
}

const KILL: ApiRequest = { verb: 'delete job', name: 'J', uid: 0, version: 0, propagation: 'Foreground' };

/** The handler of the background document. */
export const plainHandler: Steps = (world, emit) => {
  const { local } = world;
  if (local.handler === 'asked') {
    if (local.status === 'pending')
      emit('Cancel handler checks status (pending) and updates it to "cancelled"', cancelled(world));
    else if (ended(local))
      emit(`Cancel handler checks status (${local.status}): nothing to do`, set(world, { handler: 'over' }));
    else emit(`Cancel handler checks status (${local.status}), tries kill`, kill(world));
  }
  killSteps(world, emit);
};

export function kill(world: PlatformWorld): PlatformWorld {
  return send(set(world, { handler: 'killing' }), HANDLER, KILL);
}

/** From the kill's answer to "cancelled". */
export function killSteps(world: PlatformWorld, emit: Emit<PlatformWorld>, then: Partial<Platform> = {}): void {
  const { local, cluster } = world;
  if (local.handler === 'kill') emit('Cancel handler tries kill again', kill(world));
  if (local.handler === 'none') emit('Cancel handler updates status to "cancelled"', set(cancelled(world), then));
  const gone = jobNamed(cluster, 'J')?.foreign !== false && cluster.pods.length === 0;
  if (local.handler === 'waits' && gone)
    emit(
      'Cancel handler sees that Job and Pods are gone and updates status to "cancelled"',
      set(cancelled(world), then),
    );
}

/** Compare-and-set: what has ended stays as it ended. */
export function cancelled(world: PlatformWorld): PlatformWorld {
  if (ended(world.local)) return set(world, { handler: 'over' });
  return tell(set(world, { handler: 'over', status: 'cancelled' }), 'cancelled');
}

// --- Faults -----------------------------------------------------------------------------------------------------------

function crashSteps(world: PlatformWorld, emit: Emit<PlatformWorld>): void {
  const { local } = world;
  if (world.left.crash === 0) return;
  const left = { ...world.left, crash: world.left.crash - 1 };
  if (!['idle', 'over', 'follows'].includes(local.worker))
    emit('Worker dies; the queue delivers its message to another worker', {
      ...detached(set(world, { worker: 'picked' }), [WORKER]),
      left,
    });
  if (local.dispatcher !== 'idle') {
    const retried = local.worker === 'called' ? 'marked' : local.worker === 'confirming' ? 'confirms' : local.worker;
    emit('Dispatcher dies; the worker will call again', {
      ...set(world, { dispatcher: 'idle', worker: retried }),
      left,
    });
  }
  if (!['idle', 'over', 'asked'].includes(local.handler))
    emit('Cancel handler dies; the user asks again', {
      ...detached(set(world, { handler: 'asked' }), [HANDLER]),
      left,
    });
}
