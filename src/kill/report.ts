/** Pure: what was seen in the end to what is told. What is proved and what is not are never one word. */
import type { KubernetesObject, V1Node, V1Pod } from '@kubernetes/client-node';
import { ALREADY } from '../cancel-answer.ts';
import type { JobRef } from '../contract.ts';
import { isEnding, type RunWorld } from '../fence.ts';
import type { KillAnswer, KilledPod, KillReport, NodeState, StillThere } from './contract.ts';
import { endOf } from './steps.ts';

interface LastOfPod {
  /** As it was seen last. */
  readonly pod: V1Pod;
  /** Whether its object is gone, and not by force of ours: what its node said last we may have missed. */
  readonly isTaken: boolean;
}

interface Findings {
  readonly taskId: string;
  readonly was: KillReport['was'];
  /** Whether anything was found that ran or might have. */
  readonly couldRun: boolean;
  readonly pods: readonly LastOfPod[];
  /** What has not gone in time. */
  readonly left: readonly RunWorld[];
  /** The Job that Temporal's record names, though nothing of the task was found. */
  readonly missing: JobRef | undefined;
  /** Undefined if we may not know. */
  readonly nodes: readonly V1Node[] | undefined;
  readonly waitedMs: number;
}

export function reportOf(findings: Findings): KillReport {
  const { taskId, was } = findings;
  const pods = findings.pods.map((pod) => podReport(pod, findings));
  const left = [...findings.left.flatMap(stillThere), ...missingJob(findings.missing)];
  return { taskId, answer: answerOf(findings, pods, left), was, pods, left };
}

function answerOf({ was, couldRun }: Findings, pods: readonly KilledPod[], left: readonly StillThere[]): KillAnswer {
  if (left.length > 0 || pods.some(({ end }) => end === 'may_run')) return 'killed_unproved';
  return was === 'open' || was === 'forgotten' || couldRun ? 'killed' : ALREADY[was];
}

function podReport({ pod, isTaken }: LastOfPod, { nodes, waitedMs }: Findings): KilledPod {
  const end = endOf(pod);
  const node = pod.spec?.nodeName;
  const seen = { name: pod.metadata?.name ?? '', end, ...(node !== undefined && { node }) };
  if (end !== 'may_run' || node === undefined) return seen;
  const nodeState = stateOf(node, nodes);
  const why = isTaken
    ? `its object is gone, though not by force of this kill, and its node was not heard to say that it ended; ${WHY_TAKEN[nodeState]}`
    : `its node did not say within ${waitedMs / 1_000} s that it ended; ${WHY[nodeState]}`;
  return { ...seen, nodeState, why };
}

const WHY: Readonly<Record<NodeState, string>> = {
  ready:
    'the node is Ready, so its kubelet is ending it or is stuck: it does not cut short a grace period that had begun',
  not_ready: 'the node is not Ready: it may run on until the node comes back or is switched off',
  gone: 'the node is no longer in the cluster: it may run on until that machine is switched off',
  unknown: 'whether the node is Ready is not known, since this account may not list nodes (deploy/rbac-nodes.yaml)',
};

const WHY_TAKEN: Readonly<Record<NodeState, string>> = {
  ...WHY,
  ready: 'the node is Ready, so its kubelet ends what it has begun of it, if anything, or is stuck',
};

export function stateOf(node: string, nodes: readonly V1Node[] | undefined): NodeState {
  if (nodes === undefined) return 'unknown';
  const found = nodes.find(({ metadata }) => metadata?.name === node);
  if (found === undefined) return 'gone';
  const ready = found.status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? 'ready' : 'not_ready';
}

function stillThere({ anchor, job, pods }: RunWorld): readonly StillThere[] {
  const named = [
    ...(job ? [['Job', job] as const] : []),
    ...(anchor ? [['ConfigMap', anchor] as const] : []),
    ...pods.map((pod) => ['Pod', pod] as const),
  ];
  return named.map(([kind, object]) => ({ kind, name: object.metadata?.name ?? '', why: whyThere(object) }));
}

function whyThere(object: KubernetesObject): string {
  if (!isEnding(object)) return 'it could not be deleted';
  const finalizers = object.metadata?.finalizers ?? [];
  if (finalizers.length === 0) return 'it is being deleted, and not gone yet';
  return `it is being deleted, and waits for ${finalizers.join(', ')}: see that kube-controller-manager runs`;
}

function missingJob(job: JobRef | undefined): readonly StillThere[] {
  if (job === undefined) return [];
  const why =
    'Temporal’s record names it, and this cluster has nothing of the task: it was gone before, or it is in another cluster';
  return [{ kind: 'Job', name: job.name, why }];
}
