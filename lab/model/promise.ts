/** What has happened in a world and cannot be undone, and the promise: what must hold of it. */
import type { Cluster, Job } from './cluster.ts';
import type { Property } from './explore.ts';
import type { Facts, Named, Protocol, Told, World } from './world.ts';

export const NOTHING_YET: Facts = {
  told: '',
  toldBeforeStart: false,
  started: 0,
  podMade: false,
  podAfterTold: false,
  ran: false,
  finished: false,
  untrue: '',
  foreignTouched: false,
  anew: false,
  takenBack: false,
  names: '',
};

/** Nothing counts as told any more. */
export function reopened(facts: Facts): Facts {
  return { ...facts, told: '', toldBeforeStart: false, podAfterTold: false, anew: true, takenBack: facts.ran };
}

/** What ran and ended under older names is not said of what comes now. */
export function renamed(facts: Facts, names: string): Facts {
  return { ...facts, ran: false, finished: false, anew: true, takenBack: false, names };
}

// --- What has happened ------------------------------------------------------------------------------------------------

export function tell<Local, Other extends Named>(world: World<Local, Other>, told: Told): World<Local, Other> {
  const { facts } = world;
  const runs = world.cluster.pods.some((pod) => pod.phase === 'running');
  const untrue = untruth(told, facts, runs);
  return { ...world, facts: { ...facts, told, toldBeforeStart: facts.started === 0, untrue } };
}

function untruth(told: Told, facts: Facts, runs: boolean): Facts['untrue'] {
  if (told === 'cancelled' && facts.finished && !facts.takenBack) return 'it had finished';
  if (told === 'cancelled_before_start' && facts.ran && !facts.takenBack) return 'a container had run';
  if (told === 'succeeded' && !facts.finished) return 'it had not finished';
  if (told === 'failed' && runs) return 'it runs';
  return '';
}

export function observed<Local, Other extends Named>(
  before: World<Local, Other>,
  after: World<Local, Other>,
): World<Local, Other> {
  if (before.cluster === after.cluster) return after;
  const was = before.cluster;
  const is = after.cluster;
  const { facts } = after;
  const started = Math.min(2, facts.started + newlyStarted(was, is));
  const podMade = facts.podMade || is.pods.length > was.pods.length;
  const podAfterTold = facts.podAfterTold || (facts.told !== '' && is.pods.length > was.pods.length);
  const isOurs = (name: string) => facts.names === '' || facts.names === name;
  const ran = facts.ran || is.pods.some((pod) => pod.phase === 'running' && isOurs(pod.mounts));
  const finished = facts.finished || is.jobs.some((job) => job.finished && job.ending === '' && isOurs(job.name));
  const touched = facts.foreignTouched || foreignTouched(was, is);
  const same =
    started === facts.started &&
    podMade === facts.podMade &&
    podAfterTold === facts.podAfterTold &&
    ran === facts.ran &&
    finished === facts.finished &&
    touched === facts.foreignTouched;
  if (same) return after;
  return { ...after, facts: { ...facts, started, podMade, podAfterTold, ran, finished, foreignTouched: touched } };
}

function foreignTouched(was: Cluster, is: Cluster): boolean {
  if (was.jobs === is.jobs) return false;
  const isAsItWas = (job: Job) =>
    is.jobs.some((now) => now.uid === job.uid && now.version === job.version && now.suspended === job.suspended);
  return was.jobs.some((job) => job.foreign && !isAsItWas(job));
}

function newlyStarted(was: Cluster, is: Cluster): number {
  if (was.jobs === is.jobs) return 0;
  const runs = (job: Job | undefined) => job !== undefined && !job.foreign && !job.suspended;
  return is.jobs.filter((job) => runs(job) && !runs(was.jobs.find((old) => old.uid === job.uid))).length;
}

/** Jobs of the task that may make Pods now. */
function startedNow({ jobs }: Cluster): number {
  return jobs.filter((job) => !job.foreign && !job.suspended && !job.finished && job.ending === '').length;
}

// --- The promise ------------------------------------------------------------------------------------------------------

export const PROMISE = {
  noContainer: "no container runs after 'cancelled' was told",
  noPod: 'no Pod is made for a task that was cancelled before its start',
  oneStart: 'never two started Jobs of one task',
  noForeign: "nobody else's Job is touched",
  truth: 'the answer told is true',
  cleanCancel: 'a cancelled task leaves nothing',
  cleanEnd: 'every task is answered and leaves nothing',
} as const;

const somethingLeft = ({ anchors, jobs, pods }: Cluster) =>
  anchors.length > 0 || pods.length > 0 || jobs.some((job) => !job.foreign);

/** A kill that has its proof promises the same. */
const saysCancelled = ({ told }: Facts) =>
  told === 'cancelled' || told === 'cancelled_before_start' || told === 'killed';

export function propertiesOf<Local, Other extends Named>(
  protocol: Protocol<Local, Other>,
): readonly Property<World<Local, Other>>[] {
  type W = World<Local, Other>;
  const never = (name: string, broken: (world: W) => boolean): Property<W> => ({ kind: 'never', name, broken });
  const goal = (world: W) => {
    const silent = world.net.length === 0 && world.cluster.ghosts.length === 0 && protocol.quiet(world.local);
    return world.facts.told !== '' && silent && !somethingLeft(world.cluster);
  };
  const shows = ({ facts, cluster }: W) => facts.told !== '' && somethingLeft(cluster);
  return [
    never(PROMISE.noContainer, (w) => saysCancelled(w.facts) && w.cluster.pods.some((pod) => pod.phase === 'running')),
    never(PROMISE.noPod, (w) => saysCancelled(w.facts) && w.facts.toldBeforeStart && w.facts.podAfterTold),
    never(PROMISE.oneStart, (w) => (w.facts.anew ? startedNow(w.cluster) : w.facts.started) > 1),
    never(PROMISE.noForeign, (w) => w.facts.foreignTouched),
    never(PROMISE.truth, (w) => w.facts.untrue !== ''),
    { kind: 'always', name: PROMISE.cleanCancel, goal, concerns: (w) => saysCancelled(w.facts), shows },
    { kind: 'always', name: PROMISE.cleanEnd, goal, concerns: () => true, shows },
  ];
}
