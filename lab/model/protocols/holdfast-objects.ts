/** The model's objects in the API server's own shape, so that the model asks the very functions of src/fence.ts. */
import type { V1ConfigMap, V1Job, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';
import type { AnchorRef, JobRef, RunRef } from '../../../src/contract.ts';
import { fencedMetadata, ownedBy, QUEUE_LABEL, taskLabel } from '../../../src/fence.ts';
import type { Anchor, Job, Pod } from '../cluster.ts';

export const TEMPORAL_NAMESPACE = 'default';
export const SPEC_HASH = 'spec';
export const QUEUE = 'queue';

/** The names of an attempt: of what the task makes first, and of what it makes after a Reset, or a retry. */
export type Names = 'J' | 'J2';

const marks: Readonly<Record<Names, ReturnType<typeof marksOf>>> = { J: marksOf(1), J2: marksOf(2) };
const ended = new Date(0);

function marksOf(attempt: number) {
  return fencedMetadata(TEMPORAL_NAMESPACE, runOf(attempt), 'command', SPEC_HASH);
}

function runOf(attempt: number): RunRef {
  return { taskId: 'task', runId: 'run', attempt };
}

export const TASK_LABEL = taskLabel(TEMPORAL_NAMESPACE, 'task');

export function runName(names: Names): string {
  return marks[names].name;
}

export function anchorRef(uid: number): AnchorRef {
  const [run, name] = [runOf(1), marks.J.name];
  return { run, namespace: 'tasks', name, uid: String(uid), workload: 'command', timeoutSeconds: 1 };
}

export function jobRef(uid: number): JobRef {
  return { namespace: 'tasks', name: marks.J.name, uid: String(uid) };
}

/** Model objects are shared between states, so most are turned into this shape only once. */
function remembered<From extends object, To>(
  turn: (from: From) => To,
): (from: From | null | undefined) => To | undefined {
  const known = new WeakMap<From, To>();
  return (from) => {
    if (from === null || from === undefined) return undefined;
    const before = known.get(from);
    if (before !== undefined) return before;
    const to = turn(from);
    known.set(from, to);
    return to;
  };
}

/** The mutant that gives its Job another name marks it as of the same attempt. */
function metadata(of: { readonly name: string; readonly uid: number; readonly ending: boolean }): V1ObjectMeta {
  return {
    ...marks[of.name === 'J2' ? 'J2' : 'J'],
    uid: String(of.uid),
    ...(of.ending && { deletionTimestamp: ended }),
  };
}

export const asConfigMap = remembered((anchor: Anchor): V1ConfigMap => ({ metadata: metadata(anchor) }));

export const asJob = remembered((job: Job): V1Job => {
  const own = metadata({ name: job.name, uid: job.uid, ending: job.ending !== '' });
  const ours = job.queued ? { ...own, labels: { ...own.labels, [QUEUE_LABEL]: QUEUE } } : own;
  const of: V1ObjectMeta = job.foreign ? { name: own.name ?? '', uid: own.uid ?? '' } : ours;
  const owners = job.owner === 0 ? {} : { ownerReferences: [ownedBy(anchorRef(job.owner))] };
  return {
    metadata: { ...of, resourceVersion: String(job.version), ...owners },
    spec: { suspend: job.suspended, template: {} },
    ...(job.finished && { status: { conditions: [{ type: 'Complete', status: 'True' }] } }),
  };
});

/** Nothing, if its object is gone; one that is ending was asked to with the shortest grace. */
export const asPod = remembered((pod: Pod): V1Pod | undefined => {
  if (pod.forced) return undefined;
  const phase = { pending: 'Pending', mounted: 'Pending', running: 'Running', done: 'Succeeded' }[pod.phase];
  const grace = pod.ending ? { deletionGracePeriodSeconds: 1 } : {};
  return {
    metadata: { ...metadata({ ...pod, name: pod.mounts }), ...grace, name: `pod-${pod.uid}` },
    status: { phase },
  };
});
