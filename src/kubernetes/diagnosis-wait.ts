/**
 * Pure: why a task has no running container yet, and whether waiting can ever help.
 * There is no patience only with what waiting cannot mend: a request larger than the whole quota, an image that the
 * registry says it does not have; and little with what seldom mends, as a request larger than any node. Everything else
 * is told at once and waited for: in a busy cluster, or one that grows on demand, a Pod that waits for hours is healthy.
 */
import type { CoreV1Event, V1ContainerStateWaiting, V1Node, V1Pod } from '@kubernetes/client-node';
import type { Problem } from '../contract.ts';
import { problem } from '../errors.ts';
import { statusesOf } from './container-status.ts';
import type { Findings } from './findings.ts';
import { parseQuantity } from './quantity.ts';

export interface Wait {
  readonly problem: Problem;
  /** How long it may keep the task before it counts as its end. Milliseconds. Default: as long as the task may take. */
  readonly patienceMs?: number;
}

/** An autoscaler looks every ten seconds. */
const PATIENCE_MS = { none: 0, image: 60_000, container: 20_000, nodes: 30_000 } as const;

/** What a registry, or the way to it, says when asking again will not help. */
const NO_SUCH_IMAGE =
  /not found|no such host|manifest unknown|unauthorized|denied|forbidden|does not exist|invalid reference|authentication required|insufficient_scope/i;

export function waitOfJob({ events }: Findings): Wait | undefined {
  const refusal = newest(events, 'FailedCreate');
  if (refusal?.message === undefined) return undefined;
  const quota = overQuota(refusal.message);
  if (quota !== undefined) return quota;
  const refused = /violates PodSecurity|is invalid|denied the request/i.test(refusal.message);
  return {
    problem: problem('JOB_REFUSED', `Kubernetes makes no Pod: ${refusal.message}`),
    ...(refused && { patienceMs: PATIENCE_MS.none }),
  };
}

/** `exceeded quota: q, requested: cpu=4, used: cpu=0, limited: cpu=2` */
function overQuota(message: string): Wait | undefined {
  const found = /exceeded quota: (\S+), requested: (\S+), used: (\S+), limited: (\S+)/.exec(message);
  if (found === null) return undefined;
  const [, quota = '', requested = '', , limited = ''] = found;
  const limits = amounts(limited);
  const beyond = [...amounts(requested)].filter(([name, amount]) => amount > (limits.get(name) ?? Infinity));
  const text = `Quota ${quota} of the namespace does not allow it: requested ${requested}, limited to ${limited}.`;
  return {
    problem: problem('QUOTA_EXCEEDED', text, { quota, requested, limited }),
    ...(beyond.length > 0 && { patienceMs: PATIENCE_MS.none }),
  };
}

function amounts(list: string): Map<string, number> {
  const pairs = list.split(',').map((item) => item.split('=') as [string, string | undefined]);
  return new Map(pairs.map(([name, amount]) => [name, parseQuantity(amount ?? '') ?? 0]));
}

export function waitOfPod(pod: V1Pod, findings: Findings): Wait | undefined {
  const scheduled = pod.status?.conditions?.find((item) => item.type === 'PodScheduled');
  if (scheduled?.status === 'False') return unscheduled(pod, scheduled.message ?? '', findings);
  for (const { state, image } of statusesOf(pod)) {
    const wait = state?.waiting && waitOfContainer(image, state.waiting, findings);
    if (wait !== undefined) return wait;
  }
  const mount = newest(findings.events, 'FailedMount');
  return mount?.message === undefined
    ? undefined
    : { problem: problem('CONTAINER_CANNOT_START', `A volume is not there: ${mount.message}`) };
}

function waitOfContainer(
  image: string,
  { reason, message }: V1ContainerStateWaiting,
  { events }: Findings,
): Wait | undefined {
  const said = message ?? reason ?? '';
  switch (reason) {
    case 'InvalidImageName':
    case 'ErrImageNeverPull':
      return {
        problem: problem('IMAGE_UNAVAILABLE', `Image ${image}: ${said}`, { image }),
        patienceMs: PATIENCE_MS.none,
      };
    case 'ErrImagePull':
    case 'ImagePullBackOff': {
      // Back-off hides the reason of the pull that failed; the event still has it.
      const why = reason === 'ErrImagePull' ? said : (newest(events, 'Failed', /pull/i)?.message ?? said);
      const trouble = problem('IMAGE_UNAVAILABLE', `Image ${image} cannot be pulled: ${why}`, { image });
      if (NO_SUCH_IMAGE.test(why)) return { problem: trouble, patienceMs: PATIENCE_MS.none };
      return { problem: trouble, ...(!isPulled(events) && { patienceMs: PATIENCE_MS.image }) };
    }
    case 'CreateContainerConfigError':
    case 'CreateContainerError':
    case 'RunContainerError':
      return {
        problem: problem('CONTAINER_CANNOT_START', `The container cannot be started: ${said}`),
        patienceMs: PATIENCE_MS.container,
      };
    default:
      return undefined;
  }
}

/** A kubelet that pulls again still shows why it failed before. */
function isPulled(events: readonly CoreV1Event[]): boolean {
  const [pulling, failed] = [newest(events, 'Pulling'), newest(events, 'Failed', /pull/i)];
  return pulling !== undefined && failed !== undefined && timeOf(pulling) > timeOf(failed);
}

/** `0/3 nodes are available: 3 Insufficient cpu. …` */
function unscheduled(pod: V1Pod, message: string, findings: Findings): Wait {
  const growing = findings.events.some(({ reason }) => reason === 'TriggeredScaleUp' || reason === 'Nominated');
  const short = beyondEveryNode(pod, findings.nodes);
  if (short === undefined || growing) return { problem: problem('UNSCHEDULABLE', `No node has room yet: ${message}`) };
  const { resource, requested, largest } = short;
  return {
    problem: problem(
      'UNSCHEDULABLE',
      `No node could ever run it: it asks for ${requested} of ${resource}, the largest node has ${largest}.`,
      { resource, requested, largest },
    ),
    patienceMs: PATIENCE_MS.nodes,
  };
}

function beyondEveryNode(pod: V1Pod, nodes: readonly V1Node[]) {
  if (nodes.length === 0) return undefined;
  const requests = Object.entries(pod.spec?.containers[0]?.resources?.requests ?? {});
  for (const [resource, requested] of requests) {
    const offers = nodes.map((node) => node.status?.allocatable?.[resource] ?? '0');
    const largest = offers.reduce((a, b) => ((parseQuantity(a) ?? 0) >= (parseQuantity(b) ?? 0) ? a : b));
    if ((parseQuantity(requested) ?? 0) > (parseQuantity(largest) ?? 0)) return { resource, requested, largest };
  }
  return undefined;
}

function newest(events: readonly CoreV1Event[], reason: string, message = /./): CoreV1Event | undefined {
  const found = events.filter((event) => event.reason === reason && message.test(event.message ?? ''));
  return found.toSorted((a, b) => timeOf(b) - timeOf(a))[0];
}

function timeOf(event: CoreV1Event): number {
  const time = event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp;
  return new Date(time ?? 0).getTime();
}
