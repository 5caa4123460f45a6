/** Pure: what a kill does next to one run, and what the object of a Pod proves of its containers. */
import type { V1Pod } from '@kubernetes/client-node';
import { isEnding, isTerminal, nextReleaseStep, type ReleaseStep, type RunWorld } from '../fence.ts';
import { statusesOf } from '../kubernetes/container-status.ts';
import type { PodEnd } from './contract.ts';

/**
 * `asking`: the node is asked to end the containers at once, and its word is waited for. `forcing`: the node has not
 * answered in time, and the Pod's object is removed without its word.
 */
export type Patience = 'asking' | 'forcing';

export type KillStep =
  | Extract<ReleaseStep, { do: 'delete job' | 'delete anchor' }>
  | {
      readonly do: 'end pod';
      readonly name: string;
      readonly uid: string;
      readonly graceSeconds: number;
      /** Of a Pod without a node: what was read is what is asked. */
      readonly resourceVersion?: string;
    };

/** One second is the shortest grace that leaves the last word to the node; zero removes the object at once. */
const GRACE_SECONDS: Readonly<Record<Patience, number>> = { asking: 1, forcing: 0 };

/**
 * The order of release, but the Pods are asked first: a node keeps to the grace period that it was given first, so ours
 * must come before the one that the garbage collector gives when the Job is deleted. They are proved last all the same.
 * A Pod that was asked with the same grace or less, by whomever, is not asked again. No step is no proof: see `isReleased`.
 * For a Pod without a node the API server decides on a grace of zero, and keeps to that even if the Pod is bound before its
 * write lands: it would be removed without its node's word. So such a Pod is deleted only in the version that was read.
 */
export function nextKillSteps(world: RunWorld, patience: Patience): readonly KillStep[] {
  const graceSeconds = GRACE_SECONDS[patience];
  const pods = world.pods
    .filter((pod) => !isTerminal(pod) && (!isEnding(pod) || graceOf(pod) > graceSeconds))
    .map(({ metadata, spec }) => ({
      do: 'end pod' as const,
      name: metadata?.name ?? '',
      uid: metadata?.uid ?? '',
      graceSeconds,
      ...(patience === 'asking' &&
        spec?.nodeName === undefined && { resourceVersion: metadata?.resourceVersion ?? '' }),
    }));
  const step = nextReleaseStep(world);
  return step.do === 'delete job' || step.do === 'delete anchor' ? [...pods, step] : pods;
}

function graceOf(pod: V1Pod): number {
  return pod.metadata?.deletionGracePeriodSeconds ?? Infinity;
}

export function isReleased(world: RunWorld): boolean {
  return nextReleaseStep(world).do === 'say released';
}

/** Whether there is something that runs or may yet, without a further request of ours. */
export function couldRun({ job, pods }: RunWorld): boolean {
  const isStarted = job !== undefined && !isEnding(job) && job.spec?.suspend !== true;
  return isStarted || pods.some((pod) => !isTerminal(pod));
}

/**
 * What the last state of a Pod's object proves. Only the node's own word counts: that the object is gone says nothing,
 * for anybody may have removed it, and a phase that Kubernetes' Pod garbage collector wrote is no word of the node.
 */
export function endOf(pod: V1Pod): PodEnd {
  if (pod.spec?.nodeName === undefined) return 'never_ran';
  const states = [...statusesOf(pod), ...(pod.status?.ephemeralContainerStatuses ?? [])].map(({ state }) => state);
  if (states.some((state) => state?.running !== undefined)) return 'may_run';
  const isToldByNode = isTerminal(pod) && !isCollected(pod);
  if (states.length > 0 && states.every((state) => state?.terminated !== undefined)) return 'terminated';
  if (!isToldByNode) return 'may_run';
  return states.some((state) => state?.terminated !== undefined) ? 'terminated' : 'never_ran';
}

function isCollected(pod: V1Pod): boolean {
  return pod.status?.conditions?.some(({ reason }) => reason === 'DeletionByPodGC') ?? false;
}
