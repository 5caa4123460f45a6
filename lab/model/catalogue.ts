/** Every protocol, what it assumes, what it costs, and the conditions under which it is explored. */
import type { ClusterHabits } from './controllers.ts';
import { BASELINE_HABITS } from './controllers.ts';
import type { Model } from './explore.ts';
import { creationLock } from './protocols/creation-lock.ts';
import { eventSourcing, eventSourcingAtBest } from './protocols/event-sourcing.ts';
import type { Variant } from './protocols/holdfast-attempts.ts';
import { HABITS, holdfast } from './protocols/holdfast.ts';
import { interim } from './protocols/interim.ts';
import { naive } from './protocols/naive.ts';
import type { Option } from './protocols/platform.ts';
import { platform } from './protocols/platform.ts';
import { requestToken, requestTokenAtBest } from './protocols/request-token.ts';
import { stateMachine, stateMachineAtBest } from './protocols/state-machine.ts';
import { statusCheck } from './protocols/status-check.ts';
import { temporalSample } from './protocols/temporal-sample.ts';
import { twoPhase, twoPhaseAtBest } from './protocols/two-phase.ts';
import type { Budget } from './world.ts';
import { modelOf, NO_FAULTS } from './world.ts';

/** One exploration: the faults that may happen and how the cluster behaves. */
export interface Condition {
  readonly name: string;
  readonly faults: Partial<Budget>;
  readonly habits?: Partial<ClusterHabits>;
  /** For Holdfast only: part of its surroundings that is taken away. */
  readonly variant?: Variant;
  /** It takes away something that the protocol says it assumes. */
  readonly assumptionLost?: true;
}

export interface Entry {
  /** For `--protocol`. */
  readonly name: string;
  readonly title: string;
  readonly assumes: string;
  readonly price: string;
  readonly conditions: readonly Condition[];
  readonly model: (condition: Condition) => Model<object>;
}

const CALM: Condition = { name: 'no fault', faults: {} };
const LATE: Condition = { name: 'a request is late', faults: { late: 1 } };
const TWICE: Condition = { name: 'a request comes twice', faults: { twice: 1 } };
const DIES: Condition = { name: 'a process dies', faults: { crash: 1 } };
const EXPIRES: Condition = { name: 'lock or token expires', faults: { expiry: 1 }, assumptionLost: true };
const BEHIND: Condition = { name: 'Job controller is behind', faults: {}, habits: { staleController: true } };
const REUSED: Condition = { name: 'somebody takes the name', faults: { rival: 1 } };
const TERMINATED: Condition = { name: 'Terminate', faults: { terminate: 1 } };

/** The Job controller is not behind here: with it the states are ten times as many (see the deep ones). */
const RESET: Condition = {
  name: 'Reset',
  faults: { reset: 1 },
  habits: { staleController: false, statusWrites: false },
};

const COMMON = [CALM, LATE, TWICE, DIES, BEHIND, REUSED];
/** For those that say they assume that no create is late. */
const PUNCTUAL = COMMON.map((condition) =>
  condition === LATE ? { ...LATE, assumptionLost: true as const } : condition,
);

type Texts = Pick<Entry, 'name' | 'title' | 'assumes' | 'price'>;

function onPlatform(
  texts: Texts,
  option: (budget: Budget) => Option,
  conditions: readonly Condition[] = COMMON,
): Entry {
  const model = ({ faults, habits }: Condition) =>
    modelOf(platform(option({ ...NO_FAULTS, ...faults }), { ...BASELINE_HABITS, ...habits }));
  return { ...texts, conditions, model: model as Entry['model'] };
}

function onTemporal(texts: Texts, naming: 'generated' | 'known'): Entry {
  const model = ({ faults, habits }: Condition) =>
    modelOf(temporalSample({ ...NO_FAULTS, ...faults }, naming, { ...BASELINE_HABITS, ...habits }));
  return { ...texts, conditions: [...COMMON, TERMINATED], model: model as Entry['model'] };
}

const NO_LATE_CREATE = 'no create reaches Kubernetes after its caller has given up';

const BASELINES: readonly Entry[] = [
  onPlatform(
    {
      name: 'naive',
      title: 'T0 to T8 of the background document',
      assumes: 'no cancel comes while a call to the dispatcher is on its way',
      price: 'none',
    },
    naive,
  ),
  onPlatform(
    {
      name: 'status-check',
      title: 'Option 1: the dispatcher checks the status',
      assumes: 'check and create are one moment',
      price: 'one read per create',
    },
    statusCheck,
  ),
  onPlatform(
    {
      name: 'creation-lock',
      title: 'Option 2: a lock around creation',
      assumes: `the lock outlives every pause of its holder; ${NO_LATE_CREATE}`,
      price: 'a lock server; a cancel waits for the holder; with no expiry a dead holder blocks cancels for ever',
    },
    creationLock,
    [...PUNCTUAL, EXPIRES],
  ),
  onPlatform(
    {
      name: 'request-token',
      title: 'Option 3 as written: token with a TTL, validated before the create',
      assumes: 'validate and create are one moment',
      price: 'a store; a token that expires early refuses a good task',
    },
    requestToken,
    [...COMMON, EXPIRES],
  ),
  onPlatform(
    {
      name: 'request-token-best',
      title: 'Option 3 at its best: token taken in one step, cancel waits for the report',
      assumes: `the trace of a taken token outlives any delay; ${NO_LATE_CREATE}`,
      price: 'a store; a cancel waits for the dispatcher, for ever if none comes back',
    },
    requestTokenAtBest,
    [...PUNCTUAL, EXPIRES],
  ),
  onPlatform(
    {
      name: 'state-machine',
      title: 'Option 4 as written: claim, flag, checks before and after; cancelled is said at once',
      assumes: 'a container that runs for a moment after "cancelled" does no harm; the dispatcher lives to look again',
      price: 'a store',
    },
    stateMachine,
  ),
  onPlatform(
    {
      name: 'state-machine-best',
      title: 'Option 4 at its best: cancelled is said when the claim is settled',
      assumes: `a dispatcher always comes back to its second look; ${NO_LATE_CREATE}`,
      price: 'a store; a cancel waits for the dispatcher',
    },
    stateMachineAtBest,
    PUNCTUAL,
  ),
  onPlatform(
    {
      name: 'two-phase',
      title: 'Option 5 as written: reserve, confirm, then create',
      assumes: 'finding the reservation and creating are one moment',
      price: 'one more call per task',
    },
    twoPhase,
  ),
  onPlatform(
    {
      name: 'two-phase-best',
      title: 'Option 5 at its best: the reservation is taken in one step, cancel waits for the report',
      assumes: NO_LATE_CREATE,
      price: 'one more call per task; a cancel waits for the dispatcher, for ever if none comes back',
    },
    twoPhaseAtBest,
    PUNCTUAL,
  ),
  onPlatform(
    {
      name: 'event-sourcing',
      title: 'Option 6 as written: cancelled is said when the event is in the stream',
      assumes: 'a container that runs until the event is consumed does no harm; the consumer lives',
      price: 'a stream; every state change waits for its consumer',
    },
    eventSourcing,
  ),
  onPlatform(
    {
      name: 'event-sourcing-best',
      title: 'Option 6 at its best: cancelled is said when the event is consumed',
      assumes: `the consumer lives; ${NO_LATE_CREATE}`,
      price: 'a stream; no cancel is answered while the consumer is down',
    },
    eventSourcingAtBest,
    PUNCTUAL,
  ),
  onPlatform(
    {
      name: 'interim',
      title: 'Interim: naive, with a clean-up every 5 minutes and a listener',
      assumes: 'the clean-up is deployed; nobody reuses the name; minutes of compute after a cancel are acceptable',
      price: 'up to 5 minutes of compute per orphan; a process that must be watched itself',
    },
    interim,
  ),
  onTemporal(
    {
      name: 'temporal-generated',
      title: 'Temporal sample: generateName, TRY_CANCEL, delete in the catch',
      assumes: 'no cancel comes while a create is on its way; nobody uses Terminate',
      price: 'a Temporal server',
    },
    'generated',
  ),
  onTemporal(
    {
      name: 'temporal-known',
      title: 'Temporal sample: known name, TRY_CANCEL, delete in the catch',
      assumes: 'no cancel comes while a create is on its way; nobody uses Terminate',
      price: 'a Temporal server',
    },
    'known',
  ),
];

/** With no fault, and each of the usual ones. */
function eachFault(name: string, variant: Variant, always: Condition['faults'] = {}): readonly Condition[] {
  return [{}, { late: 1 }, { twice: 1 }, { crash: 1 }, { zombie: 1 }].map((faults) => ({
    name: [name, ...Object.keys(faults)].join(', '),
    faults: { ...faults, ...always },
    variant,
  }));
}

/** Every fault the network and the processes can do, one or two at a time; the Job controller is behind, but for Reset. */
export const HOLDFAST_CONDITIONS: readonly Condition[] = [
  CALM,
  LATE,
  TWICE,
  DIES,
  { name: 'an attempt becomes a zombie', faults: { zombie: 1 } },
  { name: 'late; the Job is read before the anchor', faults: { late: 1 }, variant: { jobReadFirst: true } },
  { name: 'late, and twice', faults: { late: 1, twice: 1 } },
  { name: 'late, and a worker dies', faults: { late: 1, crash: 1 } },
  { name: 'two workers die', faults: { crash: 2 } },
  { name: 'Terminate', faults: { terminate: 1 } },
  { name: 'a kill', faults: { kill: 1 } },
  RESET,
  { name: 'a retry', faults: { retry: 1 } },
  { name: 'a retry, and late', faults: { retry: 1, late: 1 } },
  { ...RESET, name: 'Reset, cleared last', variant: { clearLast: true } },
  { name: 'a retry, cleared last', faults: { retry: 1 }, variant: { clearLast: true } },
  REUSED,
  ...eachFault('let in', { letIn: true }),
  ...eachFault('armed last', { armedLast: true }),
  ...eachFault('deleted Foreground', { propagation: 'Foreground' }),
  ...eachFault('Kueue', { kueue: true }, { kueue: 1 }),
];

/** They take minutes. */
export const DEEP_CONDITIONS: readonly Condition[] = [
  { name: 'late, and a zombie', faults: { late: 1, zombie: 1 } },
  { name: 'a worker dies, and a zombie', faults: { crash: 1, zombie: 1 } },
  { name: 'Terminate, and late', faults: { terminate: 1, late: 1 } },
  { name: 'Terminate, and a worker dies', faults: { terminate: 1, crash: 1 } },
  { name: 'a kill, and late', faults: { kill: 1, late: 1 } },
  { name: 'a kill, and a worker dies', faults: { kill: 1, crash: 1 } },
  { name: 'Reset, the Job controller behind', faults: { reset: 1 }, habits: { statusWrites: false } },
  { name: 'a retry, and a worker dies', faults: { retry: 1, crash: 1 } },
  { name: 'late twice', faults: { late: 2 } },
  { name: 'late, twice, a worker dies', faults: { late: 1, twice: 1, crash: 1 } },
  { name: 'two Pods per Job, late', faults: { late: 1 }, habits: { podsPerJob: 2 } },
];

const LOST_ASSUMPTIONS: readonly Condition[] = [
  {
    name: 'the sweeper never runs',
    faults: { late: 1, twice: 1 },
    variant: { noSweeper: true },
    assumptionLost: true,
  },
  { name: "the kubelet's cache is stale", faults: {}, habits: { kubelet: 'stale' }, assumptionLost: true },
];

/** What the product does; without either, the model finds a hole (see mutants.ts). test/unit/model.test.ts ties them to the code. */
export const AS_CODED: Variant = { armedByUid: true, startedByHistory: true };

const HOLDFAST_TEXTS = {
  assumes:
    'Temporal keeps its history; the kubelet starts no container whose ConfigMap is gone; nobody but a kill force-deletes Pods; ' +
    'the sweeper runs some day',
  price: 'an anchor, a read and a start more per task; a cancel is answered when the Pods are gone',
};

export function holdfastModel({ faults, habits, variant }: Condition, own: Variant): Model<object> {
  const protocol = holdfast({ ...NO_FAULTS, ...faults }, { ...HABITS, ...habits }, { ...own, ...variant });
  return modelOf(protocol) as unknown as Model<object>;
}

function holdfastEntry(name: string, title: string, own: Variant): Entry {
  const conditions = [...HOLDFAST_CONDITIONS, ...LOST_ASSUMPTIONS];
  return { name, title, ...HOLDFAST_TEXTS, conditions, model: (condition) => holdfastModel(condition, own) };
}

export const CATALOGUE: readonly Entry[] = [...BASELINES, holdfastEntry('holdfast', 'Holdfast', AS_CODED)];
