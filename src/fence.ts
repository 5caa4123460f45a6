/**
 * THE IDEA. A cancel may land while a create is on the wire; no lock and no living worker may be needed to keep the
 * promise "once told cancelled, no container of this task runs, and none ever will". Three fences, each covering what
 * the one before cannot:
 *
 *   1. Suspended birth, compare-and-set start. A Job is born suspended and makes no Pods, however late its create
 *      lands. Only `start` lets it: a patch on the resourceVersion that it has seen. It races with release's delete
 *      on one object in etcd; exactly one wins, and a late start finds 404 or 409.
 *   2. Owner uid. The Job is owned by the anchor, by uid. Once the anchor is deleted a late Job has no living owner,
 *      and the garbage collector removes it.
 *   3. The Pod mounts the anchor. The Job controller works from a cache and may make a Pod after its Job is gone;
 *      the kubelet cannot start a container whose required ConfigMap, or key in it, does not exist. A mount knows names
 *      only, and a late create can bring the name back: so the key comes by `start`, in a patch that names the uid.
 *
 *      T0  provision  create anchor A, inputs in it;
 *                     create Job J, suspended, owner A.uid, Pods mount A    (both uids go to history)
 *      T1  start      arm A: write the key that Pods mount, by A.uid;
 *                     un-suspend J by compare-and-set
 *      T2  run        follow J
 *      T3  release    delete A and J by uid; wait: A gone, J gone, then no live Pod
 *      T4  only now the outcome is told
 *
 * Whatever the network does to T0 and T1 after T3: a late A is an empty anchor (no compute; the sweeper's business), a late J
 * is suspended, with a dead owner or an empty one, a late T1 is a 404 or 409: it names uids that history knew before.
 * See docs/decisions/0001-fence.md.
 * Where Kueue has the say, T1 gives J its queue label, by the same compare-and-set, and Kueue un-suspends it when it likes:
 * a late T1 gives it nothing, and of what it lets go late fences 2 and 3 let nothing run. See docs/decisions/0011-kueue.md.
 * Everything here is a pure function of what was read. The activities only read, ask here, and act.
 */
import { createHash } from 'node:crypto';
import type { V1ConfigMap, V1Job, V1ObjectMeta, V1OwnerReference, V1Pod } from '@kubernetes/client-node';
import type { AnchorRef, JobRef, RunRef } from './contract.ts';

// --- Names and marks ------------------------------------------------------------------------------------------------

export const LABEL = {
  managedBy: 'app.kubernetes.io/managed-by',
  /** The fence's own name of the run: the anchor, the Job and each Pod carry the same value. */
  run: 'holdfast.dev/run',
  /** A digest of the Temporal namespace's own UUID and the task id: all runs of one task, whatever characters the id has. */
  task: 'holdfast.dev/task',
  workload: 'holdfast.dev/workload',
  network: 'holdfast.dev/network',
} as const;
export const MANAGED_BY = 'holdfast';

export const ANNOTATION = {
  taskId: 'holdfast.dev/task-id',
  runId: 'holdfast.dev/run-id',
  attempt: 'holdfast.dev/attempt',
  /** The namespace's UUID, not its name: every Temporal has a `default`, and what is another's is not touched. */
  temporalNamespaceId: 'holdfast.dev/temporal-namespace-id',
  /** Digest of everything that was asked for; "already exists" counts as success only if it is the same. */
  specHash: 'holdfast.dev/spec-hash',
  /** Workflow Id of the limiter to be told when nothing of the run is left. Absent where nothing is limited. */
  limiter: 'holdfast.dev/limiter',
  /** Kueue's LocalQueue from which the run's Job is started, as its anchor says. Absent where we start it. */
  queue: 'holdfast.dev/kueue-queue',
} as const;

/** Kueue's own: a suspended Job that carries it is queued, and Kueue lets it go. https://kueue.sigs.k8s.io/docs/reference/labels-and-annotations/ */
export const QUEUE_LABEL = 'kueue.x-k8s.io/queue-name';

/** The longest name that Kubernetes also accepts as a label value. Unit: characters. */
export const MAX_NAME = 63;

/** One name for the anchor and the Job of a run: readable first, unique by its digest, at most 63 characters. */
export function runName(temporalNamespaceId: string, run: RunRef): string {
  const readable = run.taskId
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 38)
    .replace(/-+$/, '');
  const unique = digest([temporalNamespaceId, run.taskId, run.runId, run.attempt]).slice(0, 20);
  return readable === '' ? `hf-${unique}` : `hf-${readable}-${unique}`;
}

export function taskLabel(temporalNamespaceId: string, taskId: string): string {
  return digest([temporalNamespaceId, taskId]).slice(0, 40);
}

/** The marks of a run's objects. `specHash` goes on what is created from a spec. */
export function fencedMetadata(
  temporalNamespaceId: string,
  run: RunRef,
  workload: string,
  specHash: string,
): V1ObjectMeta & { name: string } {
  const name = runName(temporalNamespaceId, run);
  return {
    name,
    labels: {
      [LABEL.managedBy]: MANAGED_BY,
      [LABEL.run]: name,
      [LABEL.task]: taskLabel(temporalNamespaceId, run.taskId),
      [LABEL.workload]: workload,
    },
    annotations: {
      [ANNOTATION.taskId]: run.taskId,
      [ANNOTATION.runId]: run.runId,
      [ANNOTATION.attempt]: `${run.attempt}`,
      [ANNOTATION.temporalNamespaceId]: temporalNamespaceId,
      [ANNOTATION.specHash]: specHash,
    },
  };
}

/** Same namespace, built-in kind, one owner: each of the three is what the garbage collector needs to be safe. */
export function ownedBy(anchor: Pick<AnchorRef, 'name' | 'uid'>): V1OwnerReference {
  return { apiVersion: 'v1', kind: 'ConfigMap', name: anchor.name, uid: anchor.uid };
}

/** A digest that does not depend on the order of keys. */
export function digest(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

// --- Decisions: from what was read to the one thing to do ------------------------------------------------------------

/** What stands under our name after a create was refused with 409 or stayed unclear. */
export type Standing = 'absent' | 'ours' | 'ending' | 'foreign';

export function standingAnchor(found: V1ConfigMap | undefined, specHash: string): Standing {
  if (found === undefined) return 'absent';
  if (found.metadata?.labels?.[LABEL.managedBy] !== MANAGED_BY) return 'foreign';
  if (found.metadata.annotations?.[ANNOTATION.specHash] !== specHash) return 'foreign';
  return isEnding(found) ? 'ending' : 'ours';
}

/** Idempotent means same name, same owner, same spec. */
export function standingJob(found: V1Job | undefined, anchor: AnchorRef, specHash: string): Standing {
  if (found === undefined) return 'absent';
  if (!isOwnedBy(found, anchor.uid)) return 'foreign';
  if (found.metadata?.annotations?.[ANNOTATION.specHash] !== specHash) return 'foreign';
  return isEnding(found) ? 'ending' : 'ours';
}

export type StartStep =
  | { readonly do: 'patch'; readonly uid: string; readonly resourceVersion: string }
  | { readonly do: 'nothing'; readonly because: 'already started' | 'already queued' }
  | { readonly do: 'give up'; readonly because: 'gone' };

/**
 * The only way to a started Job, or with `queue` to one that Kueue may start. `found` may be old, for the
 * patch names its version; that it is gone, or started, is believed of a read only.
 */
export function nextStartStep(found: V1Job | undefined, job: JobRef, queue?: string): StartStep {
  if (found === undefined || found.metadata?.uid !== job.uid || isEnding(found))
    return { do: 'give up', because: 'gone' };
  if (found.spec?.suspend !== true) return { do: 'nothing', because: 'already started' };
  if (queue !== undefined && found.metadata.labels?.[QUEUE_LABEL] === queue)
    return { do: 'nothing', because: 'already queued' };
  return { do: 'patch', uid: job.uid, resourceVersion: found.metadata.resourceVersion ?? '' };
}

/**
 * Whether a Job was ever allowed to make Pods, as far as it shows. The API server counts from 1 how often its spec was
 * changed: to let it go is once, to take it back another time. A delete counts, too.
 */
export function wasLetGo(job: V1Job): boolean {
  return job.spec?.suspend !== true || generationOf(job) > 2;
}

/** Whether a Job that was let go, and that nobody deletes, was taken back, though it may have been let go again since. */
export function wasTakenBack(job: V1Job): boolean {
  return job.spec?.suspend === true || generationOf(job) > 3;
}

const generationOf = ({ metadata }: V1Job): number => metadata?.generation ?? 1;

/**
 * Everything of one run, read from the API server, Pods last. Only what is deleted first may be taken from history or a
 * cache: never what says that nothing is left.
 */
export interface RunWorld {
  readonly anchor: V1ConfigMap | undefined;
  readonly job: V1Job | undefined;
  readonly pods: readonly V1Pod[];
}

export interface NamedPod {
  readonly name: string;
  readonly uid: string;
}

export type ReleaseStep =
  | { readonly do: 'delete anchor'; readonly uid: string }
  | {
      readonly do: 'delete job';
      readonly uid: string;
      readonly resourceVersion: string;
      readonly propagation: 'Foreground' | 'Background';
      /** If it makes no Pod any more, and its Pods have ended: those that nobody has deleted yet. They go with it. */
      readonly ended?: readonly NamedPod[];
    }
  | ({ readonly do: 'delete pod' } & NamedPod)
  | { readonly do: 'wait'; readonly for: string }
  | { readonly do: 'say released' };

/**
 * What release does next. Level-based: it looks at what is there, not at what was done before, so it may be repeated,
 * interrupted and run twice at once. The Job goes first, Foreground, before the garbage collector can take it with its
 * anchor in the background: a Job that is ending makes no more Pods, nor does one that is over. Its delete names the
 * resourceVersion, so that what was read of it (running, or finished) is what was deleted. Pods are judged last, and count
 * only with the anchor gone: a Pod that appears after that cannot mount it.
 */
export function nextReleaseStep(world: RunWorld): ReleaseStep {
  const { anchor, job } = world;
  if (job !== undefined && !isEnding(job)) return deleteOf(job, world.pods);
  if (anchor !== undefined && !isEnding(anchor)) return { do: 'delete anchor', uid: uidOf(anchor) };
  const live = world.pods.filter((pod) => !isTerminal(pod));
  const strays = job === undefined ? live.filter((pod) => !isEnding(pod)) : [];
  const stray = strays[0];
  if (stray !== undefined) return { do: 'delete pod', ...named(stray) };
  if (anchor !== undefined) return { do: 'wait', for: `anchor ${anchor.metadata?.name}` };
  if (live.length > 0) return { do: 'wait', for: `Pod ${live.map((pod) => pod.metadata?.name).join(', Pod ')}` };
  if (job !== undefined) return { do: 'wait', for: `Job ${job.metadata?.name}` };
  return { do: 'say released' };
}

/**
 * In the background only if no Pod of it is tracked: when a Job is gone, its controller lets go of its Pods with one request,
 * and does not send that again if the API server was away (syncOrphanPodsBySelector, Kubernetes 1.36). They would stay for ever.
 */
function deleteOf(job: V1Job, pods: readonly V1Pod[]): ReleaseStep {
  const step = { do: 'delete job', uid: uidOf(job), resourceVersion: job.metadata?.resourceVersion ?? '' } as const;
  if (!isOver(job, pods)) return { ...step, propagation: 'Foreground' };
  const ended = pods.filter((pod) => !isEnding(pod)).map(named);
  return { ...step, propagation: pods.some(isTracked) ? 'Foreground' : 'Background', ended };
}

/** The same for who tidies up: Pods that have ended go, too, before it is said, and do not wait for the garbage collector. */
export function nextTidyStep(world: RunWorld): ReleaseStep {
  const step = nextReleaseStep(world);
  const [lingering] = world.pods;
  if (step.do !== 'say released' || lingering === undefined) return step;
  const left = world.pods.find((pod) => !isEnding(pod));
  if (left !== undefined) return { do: 'delete pod', ...named(left) };
  return { do: 'wait', for: `Pod ${lingering.metadata?.name}` };
}

/** Whether an object under our name carries our marks: nothing else is ever touched. */
export function isOfTask(found: { metadata?: V1ObjectMeta } | undefined, run: string, task: string): boolean {
  const labels = found?.metadata?.labels;
  return labels?.[LABEL.managedBy] === MANAGED_BY && labels[LABEL.run] === run && labels[LABEL.task] === task;
}

export function isOwnedBy(found: { metadata?: V1ObjectMeta }, uid: string): boolean {
  return found.metadata?.ownerReferences?.some((owner) => owner.uid === uid) ?? false;
}

export function isEnding(found: { metadata?: V1ObjectMeta }): boolean {
  return found.metadata?.deletionTimestamp !== undefined;
}

/** The condition of this type, if it holds. */
export function conditionOf<Condition extends { readonly type: string; readonly status: string }>(
  found: { readonly status?: { readonly conditions?: readonly Condition[] } } | undefined,
  type: string,
): Condition | undefined {
  return found?.status?.conditions?.find((item) => item.type === type && item.status === 'True');
}

/** It is to complete once, and has, or has failed, whether the Job controller has noted it yet or not. */
function isOver(job: V1Job, pods: readonly V1Pod[]): boolean {
  if (!pods.every(isTerminal)) return false;
  const finished = conditionOf(job, 'Complete') ?? conditionOf(job, 'Failed');
  return finished !== undefined || pods.some((pod) => pod.status?.phase === 'Succeeded');
}

/** The Job controller has yet to note how it ended. https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-tracking-with-finalizers */
function isTracked({ metadata }: V1Pod): boolean {
  return metadata?.finalizers?.includes('batch.kubernetes.io/job-tracking') === true;
}

/** A Pod in which no container runs any more, nor will again. */
export function isTerminal(pod: V1Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

function named(pod: V1Pod): NamedPod {
  return { name: pod.metadata?.name ?? '', uid: uidOf(pod) };
}

function uidOf(found: { metadata?: V1ObjectMeta }): string {
  const uid = found.metadata?.uid;
  if (uid === undefined) throw new TypeError('an object read from the API server has no uid');
  return uid;
}
