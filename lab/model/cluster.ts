/**
 * What etcd holds, and what the API server does with one request: each is one transaction. Numbers stand for uids and
 * resourceVersions. One task is looked at; each of its attempts has an anchor and a Job of its own names.
 */

export interface Anchor {
  readonly name: string;
  readonly uid: number;
  /** Has a deletionTimestamp. No Job blocks its owner's deletion (no blockOwnerDeletion), so it may vanish any time. */
  readonly ending: boolean;
  /** Has the key that Pods mount. */
  readonly armed: boolean;
}

export type Propagation = 'Foreground' | 'Background' | 'Orphan';

export interface Job {
  readonly name: string;
  readonly uid: number;
  /** The anchor's uid, or 0. */
  readonly owner: number;
  /** The anchor that its Pods require as a volume, by name; '' if none. */
  readonly mounts: string;
  readonly suspended: boolean;
  /** Has the label by which Kueue sees it, and may start it. */
  readonly queued: boolean;
  readonly version: number;
  readonly ending: '' | 'Foreground' | 'Orphan';
  readonly finished: boolean;
  /** The Job controller has written its status once while suspended, which moves the resourceVersion. */
  readonly noted: boolean;
  readonly podsMade: number;
  /** Somebody else's: must never be touched. */
  readonly foreign: boolean;
}

export interface Pod {
  readonly uid: number;
  readonly job: number;
  /** The Job's uid, or 0 once orphaned. */
  readonly owner: number;
  readonly mounts: string;
  /** `mounted`: its volumes are there and its container may start at any moment, even if the anchor goes meanwhile. */
  readonly phase: 'pending' | 'mounted' | 'running' | 'done';
  readonly ending: boolean;
  /** Its object was removed without the node's word: nobody sees it any more, and its container may run on. */
  readonly forced: boolean;
}

/** A started Job that is gone while the Job controller's cache still has it: it may yet make a Pod. */
export interface Ghost {
  readonly job: number;
  readonly mounts: string;
  readonly podsMade: number;
}

export interface Cluster {
  readonly anchors: readonly Anchor[];
  readonly jobs: readonly Job[];
  readonly pods: readonly Pod[];
  readonly ghosts: readonly Ghost[];
  readonly lastUid: number;
}

export const EMPTY: Cluster = { anchors: [], jobs: [], pods: [], ghosts: [], lastUid: 0 };

export type ApiRequest =
  | { readonly verb: 'create anchor'; readonly name: string; readonly armed: boolean }
  | { readonly verb: 'arm anchor'; readonly name: string; readonly uid: number }
  | {
      readonly verb: 'create job';
      readonly name: string;
      readonly owner: number;
      readonly mounts: string;
      readonly suspended: boolean;
      readonly queued?: true;
      readonly foreign: boolean;
    }
  /** Un-suspend. 0 for uid and version: whatever stands there. */
  | { readonly verb: 'start job'; readonly name: string; readonly uid: number; readonly version: number }
  /** Give it the label. */
  | { readonly verb: 'queue job'; readonly name: string; readonly uid: number; readonly version: number }
  | {
      readonly verb: 'delete job';
      readonly name: string;
      readonly uid: number;
      readonly version: number;
      readonly propagation: Propagation;
    }
  | { readonly verb: 'delete anchor'; readonly name: string; readonly uid: number }
  /** `force`: with a grace period of 0. */
  | { readonly verb: 'delete pod'; readonly uid: number; readonly force: boolean };

export interface Answer {
  readonly code: 200 | 201 | 404 | 409;
  /** Of what was created. */
  readonly uid: number;
}

export interface Applied {
  readonly cluster: Cluster;
  readonly answer: Answer;
}

export function apply(cluster: Cluster, request: ApiRequest): Applied {
  switch (request.verb) {
    case 'create anchor':
      return createAnchor(cluster, request);
    case 'arm anchor':
      return armAnchor(cluster, request);
    case 'create job':
      return createJob(cluster, request);
    case 'start job':
      return startJob(cluster, request);
    case 'queue job':
      return queueJob(cluster, request);
    case 'delete job':
      return deleteJob(cluster, request);
    case 'delete anchor':
      return deleteAnchor(cluster, request);
    case 'delete pod':
      return deletePod(cluster, request);
  }
}

const refuse = (cluster: Cluster, code: 404 | 409): Applied => ({ cluster, answer: { code, uid: 0 } });
const accept = (cluster: Cluster): Applied => ({ cluster, answer: { code: 200, uid: 0 } });
const created = (cluster: Cluster): Applied => ({ cluster, answer: { code: 201, uid: cluster.lastUid } });

type Of<Verb extends ApiRequest['verb']> = Extract<ApiRequest, { verb: Verb }>;

function createAnchor(cluster: Cluster, { name, armed }: Of<'create anchor'>): Applied {
  if (anchorNamed(cluster, name) !== undefined) return refuse(cluster, 409);
  const uid = cluster.lastUid + 1;
  return created({ ...cluster, anchors: [...cluster.anchors, { name, uid, ending: false, armed }], lastUid: uid });
}

function armAnchor(cluster: Cluster, { name, uid }: Of<'arm anchor'>): Applied {
  const anchor = anchorNamed(cluster, name);
  if (anchor === undefined) return refuse(cluster, 404);
  if (anchor.uid !== uid) return refuse(cluster, 409);
  return accept(withAnchor(cluster, { ...anchor, armed: true }));
}

function createJob(cluster: Cluster, request: Of<'create job'>): Applied {
  // A Job that is ending holds its name.
  if (jobNamed(cluster, request.name) !== undefined) return refuse(cluster, 409);
  const { name, owner, mounts, suspended, queued = false, foreign } = request;
  const uid = cluster.lastUid + 1;
  const born = { version: 1, ending: '', finished: false, noted: false, podsMade: 0 } as const;
  const job: Job = { name, uid, owner, mounts, suspended, queued, ...born, foreign };
  return created({ ...cluster, jobs: [...cluster.jobs, job], lastUid: uid });
}

function startJob(cluster: Cluster, request: Of<'start job'>): Applied {
  const job = jobNamed(cluster, request.name);
  if (job === undefined) return refuse(cluster, 404);
  if (mismatch(job, request)) return refuse(cluster, 409);
  // The Job controller sees events in order: a Job that was ending before it was un-suspended makes no Pod.
  if (!job.suspended || job.ending !== '') return accept(cluster);
  return accept(withJob(cluster, { ...job, suspended: false, version: job.version + 1 }));
}

function queueJob(cluster: Cluster, request: Of<'queue job'>): Applied {
  const job = jobNamed(cluster, request.name);
  if (job === undefined) return refuse(cluster, 404);
  if (mismatch(job, request)) return refuse(cluster, 409);
  if (job.queued) return accept(cluster);
  return accept(withJob(cluster, { ...job, queued: true, version: job.version + 1 }));
}

function deleteJob(cluster: Cluster, request: Of<'delete job'>): Applied {
  const job = jobNamed(cluster, request.name);
  if (job === undefined) return refuse(cluster, 404);
  if (mismatch(job, request)) return refuse(cluster, 409);
  if (job.ending !== '') return accept(cluster);
  if (request.propagation === 'Background') return accept(withoutJob(cluster, job));
  return accept(withJob(cluster, { ...job, ending: request.propagation, version: job.version + 1 }));
}

function deleteAnchor(cluster: Cluster, { name, uid }: Of<'delete anchor'>): Applied {
  const anchor = anchorNamed(cluster, name);
  if (anchor === undefined) return refuse(cluster, 404);
  if (uid !== 0 && anchor.uid !== uid) return refuse(cluster, 409);
  return accept(withAnchor(cluster, { ...anchor, ending: true }));
}

function deletePod(cluster: Cluster, { uid, force }: Of<'delete pod'>): Applied {
  const pod = podsSeen(cluster).find((item) => item.uid === uid);
  if (pod === undefined) return refuse(cluster, 404);
  return accept(withPod(cluster, { ...pod, ending: true, forced: force }));
}

function mismatch(job: Job, expected: { readonly uid: number; readonly version: number }): boolean {
  return (
    (expected.uid !== 0 && job.uid !== expected.uid) || (expected.version !== 0 && job.version !== expected.version)
  );
}

export function anchorNamed(cluster: Cluster, name: string): Anchor | undefined {
  return cluster.anchors.find((anchor) => anchor.name === name);
}

function withAnchor(cluster: Cluster, changed: Anchor): Cluster {
  return { ...cluster, anchors: cluster.anchors.map((anchor) => (anchor.uid === changed.uid ? changed : anchor)) };
}

export function withoutAnchor(cluster: Cluster, gone: Anchor): Cluster {
  return { ...cluster, anchors: cluster.anchors.filter((anchor) => anchor.uid !== gone.uid) };
}

export function jobNamed(cluster: Cluster, name: string): Job | undefined {
  return cluster.jobs.find((job) => job.name === name);
}

/** Those that the API server has. */
export function podsSeen({ pods }: Cluster): readonly Pod[] {
  return pods.some(({ forced }) => forced) ? pods.filter(({ forced }) => !forced) : pods;
}

export function withJob(cluster: Cluster, changed: Job): Cluster {
  return { ...cluster, jobs: cluster.jobs.map((job) => (job.uid === changed.uid ? changed : job)) };
}

/** The Job controller may have seen it started, and then hears of its end only later. */
export function withoutJob(cluster: Cluster, gone: Job): Cluster {
  const ghost: Ghost = { job: gone.uid, mounts: gone.mounts, podsMade: gone.podsMade };
  const haunts = !gone.suspended && !gone.finished && !gone.foreign;
  return {
    ...cluster,
    jobs: cluster.jobs.filter((job) => job.uid !== gone.uid),
    ghosts: haunts ? [...cluster.ghosts, ghost] : cluster.ghosts,
  };
}

export function withPod(cluster: Cluster, changed: Pod): Cluster {
  return { ...cluster, pods: cluster.pods.map((pod) => (pod.uid === changed.uid ? changed : pod)) };
}

export function withoutPod(cluster: Cluster, gone: Pod): Cluster {
  return { ...cluster, pods: cluster.pods.filter((pod) => pod.uid !== gone.uid) };
}
