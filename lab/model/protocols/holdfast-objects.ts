/** The model's objects in the API server's own shape, so that the model asks the very functions of src/fence.ts. */
import type { V1ConfigMap, V1Job, V1ObjectMeta, V1Pod } from '@kubernetes/client-node';
import type { AnchorRef, JobRef, RunRef } from '../../../src/contract.ts';
import { fencedMetadata, ownedBy, taskLabel } from '../../../src/fence.ts';
import type { Anchor, Job, Pod } from '../cluster.ts';

export const TEMPORAL_NAMESPACE = 'default';
export const RUN: RunRef = { taskId: 'task', runId: 'run', attempt: 1 };
export const SPEC_HASH = 'spec';

const marks = fencedMetadata(TEMPORAL_NAMESPACE, RUN, 'command', SPEC_HASH);
const ended = new Date(0);

export const RUN_NAME = marks.name;
export const TASK_LABEL = taskLabel(TEMPORAL_NAMESPACE, RUN.taskId);

export function anchorRef(uid: number): AnchorRef {
  return { run: RUN, namespace: 'tasks', name: marks.name, uid: String(uid), workload: 'command', timeoutSeconds: 1 };
}

export function jobRef(uid: number): JobRef {
  return { namespace: 'tasks', name: marks.name, uid: String(uid) };
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

function metadata(of: { readonly uid: number; readonly ending: boolean }): V1ObjectMeta {
  return { ...marks, uid: String(of.uid), ...(of.ending && { deletionTimestamp: ended }) };
}

export const asConfigMap = remembered((anchor: Anchor): V1ConfigMap => ({ metadata: metadata(anchor) }));

export const asJob = remembered((job: Job): V1Job => {
  const own = metadata({ uid: job.uid, ending: job.ending !== '' });
  const of: V1ObjectMeta = job.foreign ? { name: marks.name, uid: own.uid ?? '' } : own;
  const owners = job.owner === 0 ? {} : { ownerReferences: [ownedBy(anchorRef(job.owner))] };
  return {
    metadata: { ...of, resourceVersion: String(job.version), ...owners },
    spec: { suspend: job.suspended, template: {} },
  };
});

/** Nothing, if its object is gone; one that is ending was asked to with the shortest grace. */
export const asPod = remembered((pod: Pod): V1Pod | undefined => {
  if (pod.forced) return undefined;
  const phase = { pending: 'Pending', mounted: 'Pending', running: 'Running', done: 'Succeeded' }[pod.phase];
  const grace = pod.ending ? { deletionGracePeriodSeconds: 1 } : {};
  return { metadata: { ...metadata(pod), ...grace, name: `pod-${pod.uid}` }, status: { phase } };
});
