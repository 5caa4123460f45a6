/** Objects as the API server gives them, for tests of what is decided on them. */
import type { CoreV1Event, V1ConfigMap, V1Job, V1ObjectMeta, V1Pod, V1PodStatus } from '@kubernetes/client-node';
import type { AnchorRef, RunRef } from '../../src/contract.ts';
import { fencedMetadata } from '../../src/fence.ts';

export const NAMESPACE_ID = '11111111-2222-3333-4444-555555555555';
export const RUN: RunRef = { taskId: 'the task', runId: 'run-1', attempt: 1 };
export const MARKS = fencedMetadata(NAMESPACE_ID, RUN, 'command', 'hash');
export const ANCHOR: AnchorRef = {
  run: RUN,
  namespace: 'ns',
  name: MARKS.name,
  uid: 'anchor-uid',
  workload: 'command',
  timeoutSeconds: 60,
};
export const EPOCH = new Date('2026-01-01T00:00:00Z');

type Meta = Partial<V1ObjectMeta>;
export const ENDING: Meta = { deletionTimestamp: EPOCH };

export function anchorObject(meta: Meta = {}): V1ConfigMap {
  return { metadata: { ...MARKS, uid: 'anchor-uid', resourceVersion: '3', ...meta } };
}

export function jobObject(meta: Meta = {}, more: { suspend?: boolean; status?: V1Job['status'] } = {}): V1Job {
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: MARKS.name, uid: 'anchor-uid' }];
  return {
    metadata: { ...MARKS, uid: 'job-uid', resourceVersion: '7', ownerReferences, ...meta },
    spec: { suspend: more.suspend ?? true, template: {} },
    ...(more.status && { status: more.status }),
  };
}

export function podObject(status: V1PodStatus = {}, meta: Meta = {}): V1Pod {
  return {
    metadata: { name: 'pod-1', uid: 'pod-uid', creationTimestamp: EPOCH, ...meta },
    spec: {
      nodeName: 'node-1',
      containers: [
        {
          name: 'task',
          image: 'i',
          resources: { requests: { cpu: '2', memory: '1Gi' }, limits: { cpu: '2', memory: '1Gi' } },
        },
      ],
    },
    status,
  };
}

export function eventObject(reason: string, message: string, seconds = 0): CoreV1Event {
  return {
    metadata: {},
    involvedObject: { kind: 'Pod', name: 'pod-1' },
    type: 'Warning',
    reason,
    message,
    lastTimestamp: new Date(EPOCH.getTime() + seconds * 1_000),
  };
}
