/** Who works on the cluster without being asked: garbage collector, Job controller, kubelet. One step each at a time. */
import type { Anchor, Cluster, Ghost, Job, Pod } from './cluster.ts';
import { anchorNamed, podsSeen, withJob, withoutAnchor, withoutJob, withoutPod, withPod } from './cluster.ts';
import type { Emit } from './explore.ts';

export interface ClusterHabits {
  /** How many Pods the Job controller may make of one Job; more than 1 only by a stale cache or a replacement. */
  readonly podsPerJob: number;
  /** Whether the Job controller may act on what its cache still says of a Job that is ending or gone. */
  readonly staleController: boolean;
  /** Whether the Job controller's first status write is modelled: it makes a start's compare-and-set fail once. */
  readonly statusWrites: boolean;
  /** Containers may end by themselves, well; only while nothing was told: the work is longer than any race. */
  readonly worksUntilEnd: boolean;
  /** `ttlSecondsAfterFinished`: finished Jobs are removed in the end, long after everybody is done with them. */
  readonly ttl: boolean;
  /** `stale`: the kubelet may mount from its cache an anchor that is gone. */
  readonly kubelet: 'fresh' | 'stale';
}

/** What the baselines are granted: a Job controller that is never behind, and a TTL on finished Jobs. */
export const BASELINE_HABITS: ClusterHabits = {
  podsPerJob: 1,
  staleController: false,
  statusWrites: false,
  worksUntilEnd: true,
  ttl: true,
  kubelet: 'fresh',
};

/** `open`: nothing was told yet. `told`: it was. `settled`: and nobody has anything to do or on its way any more. */
export type Mood = 'open' | 'told' | 'settled';

export function clusterSteps(cluster: Cluster, habits: ClusterHabits, mood: Mood, emit: Emit<Cluster>): void {
  jobController(cluster, habits, emit);
  kubelet(cluster, habits, mood, emit);
  garbageCollector(cluster, emit);
  if (habits.ttl && mood === 'settled')
    for (const job of cluster.jobs)
      if (job.finished && job.ending === '')
        emit('The TTL of the finished Job ends and it is deleted', withJob(cluster, endingJob(job)));
}

const endingJob = (job: Job): Job => ({ ...job, ending: 'Foreground', version: job.version + 1 });

function jobController(cluster: Cluster, habits: ClusterHabits, emit: Emit<Cluster>): void {
  for (const job of cluster.jobs) {
    if (job.foreign) continue;
    const runs = !job.suspended && !job.finished;
    const acts = job.ending === '' || habits.staleController;
    if (runs && acts && job.podsMade < habits.podsPerJob) {
      const stale = job.ending === '' ? '' : ', from its cache, although the Job is being deleted';
      emit(`The Job controller makes a Pod${stale}`, podMade(withJob(cluster, oneMore(job)), job.uid, job.mounts));
    }
    if (habits.statusWrites && job.suspended && !job.noted && job.ending === '')
      emit('The Job controller notes Suspended in its status', withJob(cluster, noted(job)));
    const done = podsSeen(cluster).some((pod) => pod.job === job.uid && pod.phase === 'done');
    if (runs && done && job.ending === '')
      emit('The Job controller marks the Job finished', withJob(cluster, finished(job)));
  }
  for (const ghost of cluster.ghosts) {
    const others = cluster.ghosts.filter((item) => item !== ghost);
    if (habits.staleController && ghost.podsMade < habits.podsPerJob) {
      const haunted = { ...cluster, ghosts: [...others, oneMore(ghost)].sort((a, b) => a.job - b.job) };
      emit(
        'The Job controller, from its cache, makes a Pod of the Job that is gone',
        podMade(haunted, ghost.job, ghost.mounts),
      );
    }
    emit('The Job controller hears that the Job is gone', { ...cluster, ghosts: others });
  }
}

const oneMore = <T extends Job | Ghost>(maker: T): T => ({ ...maker, podsMade: maker.podsMade + 1 });
const noted = (job: Job): Job => ({ ...job, noted: true, version: job.version + 1 });
const finished = (job: Job): Job => ({ ...job, finished: true, version: job.version + 1 });

function podMade(cluster: Cluster, job: number, mounts: string): Cluster {
  const uid = cluster.lastUid + 1;
  const pod: Pod = { uid, job, owner: job, mounts, phase: 'pending', ending: false, forced: false };
  return { ...cluster, pods: [...cluster.pods, pod], lastUid: uid };
}

function kubelet(cluster: Cluster, habits: ClusterHabits, mood: Mood, emit: Emit<Cluster>): void {
  for (const pod of cluster.pods) {
    // A container may start although its Pod is being deleted: the kubelet hears of it a moment later.
    if (pod.phase === 'pending' && pod.mounts !== '' && canMount(anchorNamed(cluster, pod.mounts), habits))
      emit('The kubelet mounts the anchor into the Pod', withPod(cluster, { ...pod, phase: 'mounted' }));
    if (pod.phase === 'mounted' || (pod.phase === 'pending' && pod.mounts === ''))
      emit('The kubelet starts the container', withPod(cluster, { ...pod, phase: 'running' }));
    if (pod.phase === 'running' && habits.worksUntilEnd && mood === 'open')
      emit('The container ends by itself, well', withPod(cluster, { ...pod, phase: 'done' }));
    if (pod.ending) emit('The kubelet stops the Pod and it is gone', withoutPod(cluster, pod));
  }
}

const canMount = (anchor: Anchor | undefined, habits: ClusterHabits): boolean =>
  anchor?.armed === true || habits.kubelet === 'stale';

function garbageCollector(cluster: Cluster, emit: Emit<Cluster>): void {
  for (const anchor of cluster.anchors)
    if (anchor.ending) emit('The garbage collector lets the anchor go', withoutAnchor(cluster, anchor));
  for (const job of cluster.jobs) collectJob(cluster, job, emit);
  for (const pod of cluster.pods) {
    if (pod.owner === 0 || pod.ending) continue;
    const owner = cluster.jobs.find((job) => job.uid === pod.owner);
    const ending = withPod(cluster, { ...pod, ending: true });
    if (owner === undefined) emit('The garbage collector deletes the Pod, whose Job is gone', ending);
    else if (owner.ending === 'Foreground') emit('The garbage collector deletes the Pod of the ending Job', ending);
  }
}

function collectJob(cluster: Cluster, job: Job, emit: Emit<Cluster>): void {
  const pods = podsSeen(cluster).filter((pod) => pod.owner === job.uid);
  if (job.ending === 'Foreground' && pods.length === 0)
    emit('The garbage collector lets the Job go, now that it has no Pods', withoutJob(cluster, job));
  if (job.ending === 'Orphan') {
    const freed = pods.reduce((world, pod) => withPod(world, { ...pod, owner: 0 }), cluster);
    emit('The garbage collector frees the Pods and lets the Job go', withoutJob(freed, job));
  }
  if (job.owner === 0 || job.ending !== '') return;
  const owner = cluster.anchors.find(({ uid }) => uid === job.owner);
  // As in attemptToDeleteItem: Foreground for one that has dependents and whose owner waits, else Background.
  if (owner === undefined)
    emit("The garbage collector deletes the Job, whose owner's uid is gone", withoutJob(cluster, job));
  else if (owner.ending && pods.length > 0)
    emit('The garbage collector deletes the Job of the ending anchor, Foreground', withJob(cluster, endingJob(job)));
  else if (owner.ending) emit('The garbage collector deletes the Job of the ending anchor', withoutJob(cluster, job));
}
