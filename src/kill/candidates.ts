/**
 * Tasks by what stands in Kubernetes: the namespace that was named, this Temporal, and nothing else. A task of which
 * nothing is there yet is not among them: nothing of it runs, and a cancel of it needs no worker to be durable.
 */
import type { KubernetesObject, V1Pod } from '@kubernetes/client-node';
import type { PodView } from '../contract.ts';
import { ANNOTATION, isEnding, LABEL, MANAGED_BY } from '../fence.ts';
import { paced } from '../paced.ts';
import type { KillCandidate, KillFilter } from './contract.ts';
import { type KillGround, refusalOf } from './ground.ts';
import { recordOf } from './workflow.ts';

/** Descriptions that are asked for at the same time. */
const AT_ONCE = 8;

interface Found {
  readonly taskId: string;
  readonly workload: string;
  readonly since: Date;
  readonly pods: readonly PodView[];
}

/** Oldest first. @throws HoldfastError KUBERNETES_FORBIDDEN, KUBERNETES_UNREACHABLE */
export async function killable(
  { api, temporal, temporalNamespaceId }: KillGround,
  filter: KillFilter,
): Promise<readonly KillCandidate[]> {
  const selector = selectorOf(filter);
  const lists = Promise.all([api.listMarks(selector), api.listPods(selector)]);
  const [{ anchors, jobs }, pods] = await lists.catch((error: unknown) => {
    throw refusalOf(error, false);
  });
  const marked = [...anchors, ...jobs].map((metadata) => ({ metadata }));
  const before = Date.now() - (filter.olderThanSeconds ?? 0) * 1_000;
  const found = tasksIn(marked, pods, temporalNamespaceId).filter(({ since }) => since.getTime() <= before);
  return paced(found, { atOnce: AT_ONCE }, async ({ taskId, workload, since, pods }) => {
    const { was, firstRunId } = await recordOf(temporal, taskId);
    return {
      taskId,
      workload,
      since: since.toISOString(),
      was,
      ...(firstRunId !== undefined && { firstRunId }),
      pods,
    };
  });
}

export function selectorOf({ workload, labels = {} }: KillFilter): string {
  const all = { [LABEL.managedBy]: MANAGED_BY, ...(workload !== undefined && { [LABEL.workload]: workload }) };
  return [...Object.entries(all), ...Object.entries(labels)].map(([name, value]) => `${name}=${value}`).join(',');
}

/** Pure: objects to the tasks of this Temporal that they are of, oldest first. */
export function tasksIn(
  objects: readonly KubernetesObject[],
  pods: readonly V1Pod[],
  temporalNamespaceId: string,
): readonly Found[] {
  const ours = [...objects, ...pods].filter(
    ({ metadata }) => metadata?.annotations?.[ANNOTATION.temporalNamespaceId] === temporalNamespaceId,
  );
  const byTask = Map.groupBy(ours, ({ metadata }) => metadata?.annotations?.[ANNOTATION.taskId] ?? '');
  const found = [...byTask].flatMap(([taskId, all]) => {
    if (taskId === '') return [];
    const times = all.map(({ metadata }) => new Date(metadata?.creationTimestamp ?? 0).getTime());
    const workload = all[0]?.metadata?.labels?.[LABEL.workload] ?? '';
    const podsOf = pods.filter((pod) => all.includes(pod)).map(viewOf);
    return [{ taskId, workload, since: new Date(Math.min(...times)), pods: podsOf }];
  });
  return found.toSorted((a, b) => a.since.getTime() - b.since.getTime());
}

function viewOf(pod: V1Pod): PodView {
  const node = pod.spec?.nodeName;
  const phase = isEnding(pod) ? 'Terminating' : (pod.status?.phase ?? 'Unknown');
  return { name: pod.metadata?.name ?? '', phase, ...(node !== undefined && { node }) };
}
