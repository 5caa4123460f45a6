/** Pure: why a Pod has ended. */
import type { V1ContainerStateTerminated, V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { constants } from 'node:os';
import type { Problem } from '../contract.ts';
import { problem } from '../errors.ts';
import { conditionOf, isEnding } from '../fence.ts';
import { statusesOf } from './container-status.ts';

/** Reasons of the DisruptionTarget condition that mean the node, not the cluster, was the cause. */
const NODE_GONE = new Set(['DeletionByTaintManager', 'DeletionByPodGC']);

export function endOfPod(pod: V1Pod): Problem | 'succeeded' | undefined {
  if (pod.status?.phase === 'Succeeded') return 'succeeded';
  const taken = takenAway(pod);
  if (pod.status?.phase !== 'Failed') return undefined;
  if (taken !== undefined) return taken;
  if (isEnding(pod)) return problem('JOB_DELETED', 'The Pod was deleted while the task ran.');
  const ended = terminated(pod);
  if (ended === undefined)
    return problem(
      'EVICTED',
      `The node refused the Pod: ${pod.status.message ?? pod.status.reason ?? 'no reason given'}.`,
      { disruption: pod.status.reason ?? 'Refused' },
    );
  return endOfContainer(pod, ended);
}

/**
 * Why the cluster takes the Pod away; said before it has ended, where its node no longer answers for it. The fact
 * `disruption` says that the platform did it. A Pod beyond its own limit of storage is evicted without one.
 */
export function takenAway(pod: V1Pod): Problem | undefined {
  const { reason, message } = pod.status ?? {};
  const node = pod.spec?.nodeName ?? 'unknown';
  if (reason === 'DeadlineExceeded')
    return problem('DEADLINE_EXCEEDED', 'The task did not end within its timeout, so the node ended it.');
  if (reason === 'NodeLost' || reason === 'NodeShutdown')
    return problem('NODE_LOST', `Node ${node} went away: ${message ?? reason}.`, { node, disruption: reason });
  const disruption = conditionOf(pod, 'DisruptionTarget');
  const facts = { node, ...(disruption && { disruption: disruption.reason ?? disruption.type }) };
  if (disruption?.reason !== undefined && NODE_GONE.has(disruption.reason))
    return problem('NODE_LOST', `Node ${node} went away: ${disruption.message ?? disruption.reason}.`, facts);
  if (reason === 'Evicted' || disruption !== undefined)
    return problem('EVICTED', `The Pod was evicted: ${message ?? disruption?.message ?? reason}`, facts);
  return undefined;
}

function terminated(pod: V1Pod): { status: V1ContainerStatus; state: V1ContainerStateTerminated } | undefined {
  const ended = statusesOf(pod).flatMap((status) =>
    status.state?.terminated === undefined ? [] : [{ status, state: status.state.terminated }],
  );
  return ended.find(({ state }) => state.exitCode !== 0) ?? ended[0];
}

function endOfContainer(
  pod: V1Pod,
  { status, state }: { status: V1ContainerStatus; state: V1ContainerStateTerminated },
): Problem {
  const said = state.message?.trim();
  const lastWords = said === undefined || said === '' ? '' : ` It ended with: ${lastLine(said)}`;
  if (state.reason === 'OOMKilled') return outOfMemory(pod, status);
  if (state.reason === 'StartError' || state.reason === 'ContainerCannotRun')
    return problem('CONTAINER_CANNOT_START', `The container could not be started: ${said ?? state.reason}`);
  const { exitCode } = state;
  const signal = exitCode > 128 ? signalName(exitCode - 128) : undefined;
  const how = signal === undefined ? `exit code ${exitCode}` : `exit code ${exitCode} (${signal})`;
  return problem('EXIT_CODE', `The container ended with ${how}.${lastWords}`, {
    exitCode,
    ...(signal !== undefined && { signal }),
    ...(said !== undefined && said !== '' && { output: said.slice(-1_000) }),
  });
}

/** The kernel kills at the limit, so the limit is also the peak it had reached. */
function outOfMemory(pod: V1Pod, status: V1ContainerStatus): Problem {
  const limit = pod.spec?.containers.find(({ name }) => name === status.name)?.resources?.limits?.['memory'];
  if (limit === undefined)
    return problem('OUT_OF_MEMORY', 'The container was killed because the node ran out of memory.');
  return problem('OUT_OF_MEMORY', `The container was killed because it used more than its ${limit} of memory.`, {
    limit,
    peak: `at least ${limit}`,
  });
}

function lastLine(text: string): string {
  return (text.split('\n').at(-1) ?? '').slice(-200);
}

function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}
