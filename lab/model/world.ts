/**
 * The world of one task: the cluster, the requests on their way, a protocol's own processes (`local`), what has
 * happened and cannot be undone (`facts`), and how many faults may still happen (`left`).
 *
 * The network: a request is attached to whoever waits for its answer, or late: nobody waits any more (deadline, crash),
 * and it may land at any later moment, or never. A lost answer is a request that became late and landed. A request
 * delivered twice leaves a late copy behind. So nothing else needs modelling.
 */
import type { Answer, ApiRequest, Cluster } from './cluster.ts';
import { apply, EMPTY, jobNamed } from './cluster.ts';
import type { ClusterHabits, Mood } from './controllers.ts';
import { clusterSteps } from './controllers.ts';
import type { Emit, Label, Model } from './explore.ts';
import { NOTHING_YET, observed, propertiesOf } from './promise.ts';

/** How often each kind of fault or event may happen in one run: what bounds the search. */
export interface Budget {
  /** A caller gives up on a request that is still on its way. */
  readonly late: number;
  /** A request is delivered, and a copy of it stays on the way. */
  readonly twice: number;
  /** The process dies at any instruction, and another one takes over. */
  readonly crash: number;
  /** An attempt is given up by its scheduler while it goes on: two run side by side. */
  readonly zombie: number;
  readonly cancel: number;
  /** The record is closed from outside, and no code of ours runs. */
  readonly terminate: number;
  /** Somebody kills the task: `holdfast kill`. */
  readonly kill: number;
  /** Temporal's Reset, to any point of the history. */
  readonly reset: number;
  /** An attempt is lost, or its Pod taken away, and the task may begin anew. */
  readonly retry: number;
  /** Kueue un-suspends a Job that is queued; whenever that lands. */
  readonly kueue: number;
  /** Somebody else makes a Job under our name, if it is free. */
  readonly rival: number;
  /** A lock or token expires while it is in use. */
  readonly expiry: number;
}

export const NO_FAULTS: Budget = {
  late: 0,
  twice: 0,
  crash: 0,
  zombie: 0,
  cancel: 1,
  terminate: 0,
  kill: 0,
  reset: 0,
  retry: 0,
  kueue: 0,
  rival: 0,
  expiry: 0,
};

/** What is sent to another process than the API server. */
export interface Named {
  readonly verb: string;
}

export interface Flight<Other extends Named> {
  readonly to: 'API server' | 'other';
  readonly request: ApiRequest | Other;
  /** Who waits for the answer; 0: nobody. */
  readonly from: number;
}

export type Told =
  | ''
  | 'cancelled'
  | 'cancelled_before_start'
  | 'succeeded'
  | 'failed'
  | 'terminated'
  | 'killed'
  | 'killed_unproved';

export interface Facts {
  readonly told: Told;
  /** When it was told, no Job of the task had been started. */
  readonly toldBeforeStart: boolean;
  /** Jobs of the task that were ever allowed to make Pods. */
  readonly started: number;
  readonly podMade: boolean;
  readonly podAfterTold: boolean;
  readonly ran: boolean;
  readonly finished: boolean;
  /** Why the answer was untrue when it was told. */
  readonly untrue: '' | 'it had finished' | 'a container had run' | 'it had not finished' | 'it runs';
  readonly foreignTouched: boolean;
  /** The task was begun anew, by a Reset or a retry. */
  readonly anew: boolean;
  /** A Reset took back that it ran, or ended by itself: it is no lie then to tell what comes without it. */
  readonly takenBack: boolean;
  /** Whose Job's running and ending count as the task's; '' for any. */
  readonly names: string;
}

export interface World<Local, Other extends Named = never> {
  readonly cluster: Cluster;
  readonly net: readonly Flight<Other>[];
  readonly local: Local;
  readonly facts: Facts;
  readonly left: Budget;
}

export interface Protocol<Local, Other extends Named = never> {
  readonly name: string;
  readonly local: Local;
  readonly habits: ClusterHabits;
  readonly budget: Budget;
  /** The protocol's own steps: its processes, the user, expiry. Faults of the network come from here. */
  readonly steps: (world: World<Local, Other>, emit: Emit<World<Local, Other>>) => void;
  /** The API server's answer reaches who waits for it. */
  readonly answered: (local: Local, from: number, answer: Answer) => Local;
  /** Nobody knows what became of the request: deadline, socket gone. */
  readonly unclear: (local: Local, from: number) => Local;
  /** A request that is not for the API server arrives; `false`: it cannot be taken at the moment. */
  readonly receive: (world: World<Local, Other>, request: Other, from: number) => World<Local, Other> | false;
  /** What happens when this request arrives, and what is answered. */
  readonly describe: (flight: Flight<Other>, answer?: Answer) => string;
  /** Whether nothing but waiting is left for the protocol's own processes. */
  readonly quiet: (local: Local) => boolean;
}

export function modelOf<Local, Other extends Named>(protocol: Protocol<Local, Other>): Model<World<Local, Other>> {
  type W = World<Local, Other>;
  const stepsOf = rememberedClusterSteps(protocol.habits);
  return {
    parts: ['cluster', 'net', 'local', 'facts', 'left'],
    initial: { cluster: EMPTY, net: [], local: protocol.local, facts: NOTHING_YET, left: protocol.budget },
    steps: (world, emit) => {
      const settle: Emit<W> = (label, next) => emit(label, observed(world, next));
      protocol.steps(world, settle);
      networkSteps(protocol, world, settle);
      for (const [label, cluster] of stepsOf(world.cluster, moodOf(protocol, world)))
        settle(label, { ...world, cluster });
      rivalSteps(world, settle);
    },
    properties: propertiesOf(protocol),
  };
}

function moodOf<Local, Other extends Named>(
  protocol: Protocol<Local, Other>,
  { facts, net, local }: World<Local, Other>,
): Mood {
  if (facts.told === '') return 'open';
  return net.length === 0 && protocol.quiet(local) ? 'settled' : 'told';
}

type ClusterStep = readonly [label: Label, next: Cluster];

/** What the cluster does by itself depends on the cluster alone, so it is worked out once for each. */
function rememberedClusterSteps(habits: ClusterHabits): (cluster: Cluster, mood: Mood) => readonly ClusterStep[] {
  const one = new Map<string, Cluster>();
  const share = (cluster: Cluster) => {
    const key = JSON.stringify(cluster);
    const before = one.get(key);
    if (before === undefined) one.set(key, cluster);
    return before ?? cluster;
  };
  const known = {
    open: new WeakMap<Cluster, ClusterStep[]>(),
    told: new WeakMap<Cluster, ClusterStep[]>(),
    settled: new WeakMap<Cluster, ClusterStep[]>(),
  };
  return (cluster, mood) => {
    const memory = known[mood];
    const before = memory.get(cluster);
    if (before !== undefined) return before;
    const steps: ClusterStep[] = [];
    clusterSteps(cluster, habits, mood, (label, next) => steps.push([label, share(next)]));
    memory.set(cluster, steps);
    return steps;
  };
}

// --- The network ------------------------------------------------------------------------------------------------------

export function send<Local, Other extends Named>(
  world: World<Local, Other>,
  from: number,
  request: ApiRequest,
): World<Local, Other> {
  return { ...world, net: sorted([...world.net, { to: 'API server', request, from }]) };
}

export function call<Local, Other extends Named>(
  world: World<Local, Other>,
  from: number,
  request: Other,
): World<Local, Other> {
  return { ...world, net: sorted([...world.net, { to: 'other', request, from }]) };
}

/** Nobody waits any more for the answers to these senders. */
export function detached<Local, Other extends Named>(
  world: World<Local, Other>,
  from: readonly number[],
): World<Local, Other> {
  if (!world.net.some((flight) => from.includes(flight.from))) return world;
  return {
    ...world,
    net: sorted(world.net.map((flight) => (from.includes(flight.from) ? { ...flight, from: 0 } : flight))),
  };
}

/** One order, so that the same requests on the way are the same state. */
function sorted<Other extends Named>(net: Flight<Other>[]): Flight<Other>[] {
  if (net.length < 2) return net;
  return net
    .map((flight) => [JSON.stringify(flight), flight] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, flight]) => flight);
}

function networkSteps<Local, Other extends Named>(
  protocol: Protocol<Local, Other>,
  world: World<Local, Other>,
  emit: Emit<World<Local, Other>>,
): void {
  const { left } = world;
  world.net.forEach((flight, index) => {
    const others = world.net.filter((_, at) => at !== index);
    const late = flight.from === 0 ? 'Late: ' : '';
    const landed = delivered(protocol, { ...world, net: others }, flight);
    if (landed !== false) emit(() => `${late}${protocol.describe(flight, landed.answer)}`, landed.world);
    if (landed !== false && left.twice > 0) {
      const copy = { ...flight, from: 0 };
      const again = delivered(protocol, { ...world, net: sorted([...others, copy]) }, flight);
      if (again !== false)
        emit(() => `${late}${protocol.describe(flight, again.answer)}; a second copy of the request is on its way`, {
          ...again.world,
          left: { ...left, twice: left.twice - 1 },
        });
    }
    if (flight.from === 0) emit(() => `A late request is lost: ${flight.request.verb}`, { ...world, net: others });
    else if (left.late > 0)
      emit(() => `The caller gives up on its request (${flight.request.verb}), which is still on its way`, {
        ...world,
        net: sorted([...others, { ...flight, from: 0 }]),
        local: protocol.unclear(world.local, flight.from),
        left: { ...left, late: left.late - 1 },
      });
  });
}

interface Landed<W> {
  readonly world: W;
  readonly answer?: Answer;
}

function delivered<Local, Other extends Named>(
  protocol: Protocol<Local, Other>,
  world: World<Local, Other>,
  flight: Flight<Other>,
): Landed<World<Local, Other>> | false {
  if (flight.to === 'other') {
    const received = protocol.receive(world, flight.request as Other, flight.from);
    return received === false ? false : { world: received };
  }
  const { cluster, answer } = apply(world.cluster, flight.request as ApiRequest);
  const local = flight.from === 0 ? world.local : protocol.answered(world.local, flight.from, answer);
  return { world: { ...world, cluster, local }, answer };
}

/** In the API server's own terms. */
export function apiWords(request: ApiRequest, answer: Answer | undefined): string {
  const code = answer?.code ?? 0;
  const refused =
    code === 404 ? 'there is none' : request.verb.startsWith('create') ? 'the name is taken' : 'it has changed';
  return `The API server gets "${request.verb}": ${code}${code >= 400 ? `, ${refused}` : ''}`;
}

// --- Others -----------------------------------------------------------------------------------------------------------

function rivalSteps<Local, Other extends Named>(world: World<Local, Other>, emit: Emit<World<Local, Other>>): void {
  if (world.left.rival === 0 || jobNamed(world.cluster, 'J') !== undefined) return;
  const request = { verb: 'create job', name: 'J', owner: 0, mounts: '', suspended: true, foreign: true } as const;
  const { cluster } = apply(world.cluster, request);
  const left = { ...world.left, rival: world.left.rival - 1 };
  emit('Somebody else makes a Job of their own under this name', { ...world, cluster, left });
}
