/**
 * Pure: what was read of a run to what a person should know: does it get on, what keeps it, how did it end.
 * Found from Pod status and events, within seconds, not at the deadline.
 */
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import type { PodView, Problem } from '../contract.ts';
import { problem } from '../errors.ts';
import { conditionOf, isEnding, isTerminal, wasTakenBack } from '../fence.ts';
import { endOfPod, takenAway } from './diagnosis-end.ts';
import { type Wait, waitOfJob, waitOfPod } from './diagnosis-wait.ts';
import type { Findings } from './findings.ts';

export type Diagnosis =
  | { readonly is: 'waiting'; readonly pod?: PodView; readonly problem?: Problem; readonly patienceMs?: number }
  | { readonly is: 'running'; readonly pod: PodView }
  | { readonly is: 'succeeded'; readonly pod?: PodView }
  | { readonly is: 'failed'; readonly pod?: PodView; readonly problem: Problem };

export function diagnose(findings: Findings): Diagnosis {
  const pod = latest(findings.pods);
  const view = pod && viewOf(pod);
  const seen = view && { pod: view };
  const ended = endOfJob(findings.job, findings.pods);
  if (ended === 'succeeded') return { is: 'succeeded', ...seen };
  if (ended !== undefined) return { is: 'failed', ...seen, problem: ended };
  if (pod === undefined || view === undefined) return waitingOrFailed(waitOfJob(findings), seen);
  if (pod.status?.phase === 'Pending') return waitingOrFailed(waitOfPod(pod, findings), seen);
  const taken = takenAway(pod);
  return taken === undefined ? { is: 'running', pod: view } : { is: 'waiting', pod: view, problem: taken };
}

/** How long the same has kept it is for whoever asks to know: two clocks need not agree. */
function waitingOrFailed(wait: Wait | undefined, seen: { pod: PodView } | undefined): Diagnosis {
  if (wait?.patienceMs === 0) return { is: 'failed', ...seen, problem: wait.problem };
  return { is: 'waiting', ...seen, ...wait };
}

/**
 * What is made of a Job that was started and then suspended: whoever let it go takes it back, and the Job controller deletes
 * its Pod. If it is let go again it would run a second time, which is ours to decide.
 */
export function diagnoseSuspension({ job, pods }: Pick<Findings, 'job' | 'pods'>): Diagnosis | undefined {
  if (!takenBack(job, pods)) return undefined;
  const pod = latest(pods);
  const message = 'The Job was suspended again, so its Pod was taken away: Kueue gave its place to others.';
  const taken = problem('EVICTED', message, { disruption: 'Suspended' });
  return { is: 'failed', ...(pod && { pod: viewOf(pod) }), problem: taken };
}

/** Whether the Job was suspended again, and no Pod has ended by itself. */
export function takenBack(job: V1Job | undefined, pods: readonly V1Pod[]): boolean {
  if (job === undefined || isEnding(job) || !wasTakenBack(job)) return false;
  const pod = latest(pods);
  return pod === undefined || isEnding(pod) || !isTerminal(pod);
}

/** How a Job that was not deleted by us has ended, if it has. */
export function endOfRun(job: V1Job | undefined, pods: readonly V1Pod[]): Problem | 'succeeded' | undefined {
  return endOfJob(job, pods);
}

/** The Job's word on deadlines, the Pod's on everything else: the Pod knows why, and knows earlier. */
function endOfJob(job: V1Job | undefined, pods: readonly V1Pod[]): Problem | 'succeeded' | undefined {
  const pod = latest(pods);
  const failure = conditionOf(job, 'Failed') ?? conditionOf(job, 'FailureTarget');
  if (failure?.reason === 'DeadlineExceeded')
    return problem('DEADLINE_EXCEEDED', 'The task did not end within its timeout, so Kubernetes ended it.');
  const podEnd = pod && endOfPod(pod);
  if (podEnd !== undefined)
    return podEnd === 'succeeded' || podEnd.code !== 'JOB_DELETED' ? podEnd : deletedPod(job, pods);
  if (conditionOf(job, 'Complete') !== undefined) return 'succeeded';
  if (job === undefined || isEnding(job)) return problem('JOB_DELETED', 'The Job was deleted while the task ran.');
  if (failure?.reason === 'PodFailurePolicy')
    return problem('EVICTED', `The Pod was taken away: ${failure.message ?? failure.reason}.`, {
      disruption: 'DisruptionTarget',
    });
  if (failure !== undefined) return deletedPod(job, pods, ` (${failure.message ?? failure.reason})`);
  return undefined;
}

/**
 * A Job of ours has one Pod. Where there are two, the Job controller made another because the answer to its first create was
 * lost, then takes away one too many, and fails the Job for it: seen when an API server was restarted.
 */
function deletedPod(job: V1Job | undefined, pods: readonly V1Pod[], why = ''): Problem {
  const { active = 0, failed = 0, succeeded = 0 } = job?.status ?? {};
  const made = Math.max(pods.length, active + failed + succeeded);
  if (made <= 1) return problem('JOB_DELETED', `The Pod was deleted while the task ran${why}.`);
  const message = `Kubernetes made ${made} Pods of the Job where it was to make one, and took it away${why}.`;
  return problem('EVICTED', message, { disruption: 'SurplusPod' });
}

export function latest(pods: readonly V1Pod[]): V1Pod | undefined {
  return pods.toSorted((a, b) => createdAt(b) - createdAt(a))[0];
}

function createdAt(pod: V1Pod): number {
  return new Date(pod.metadata?.creationTimestamp ?? 0).getTime();
}

function viewOf(pod: V1Pod): PodView {
  const phase = isEnding(pod) ? 'Terminating' : (pod.status?.phase ?? 'Unknown');
  const node = pod.spec?.nodeName;
  return { name: pod.metadata?.name ?? '', phase, ...(node !== undefined && { node }) };
}
