/** Holdfast's release as a model: one read after the other, Pods last, then the one step that src/fence.ts names. */
import { isOfTask, nextReleaseStep } from '../../../src/fence.ts';
import type { Cluster } from '../cluster.ts';
import { anchorNamed, jobNamed, podsSeen } from '../cluster.ts';
import type { Attempt, Move, Result, Variant } from './holdfast-attempts.ts';
import { asConfigMap, asJob, asPod, type Names, runName, TASK_LABEL } from './holdfast-objects.ts';

export function release(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  switch (attempt.at) {
    case 'early': {
      const calm = podsOf(cluster, attempt.names).every((pod) => pod.phase === 'done');
      return {
        label: `release reads the Pods: ${calm ? 'none' : 'some'}`,
        attempt: { ...attempt, at: 'anchor', calm },
      };
    }
    case 'anchor':
      return variant.jobReadFirst ? readJob(attempt, cluster, variant) : readAnchor(attempt, cluster);
    case 'job':
      return variant.jobReadFirst ? readAnchor(attempt, cluster) : readJob(attempt, cluster, variant);
    default:
      return decide(attempt, cluster, variant);
  }
}

/** From the first read to the second, and from there to the Pods. */
const afterRead = ({ at }: Attempt) => (at === 'anchor' ? 'job' : 'pods');

function readAnchor(attempt: Attempt, cluster: Cluster): Move {
  const anchor = anchorNamed(cluster, attempt.names) ?? null;
  const label = `release reads the anchor: ${presence(anchor)}`;
  return { label, attempt: { ...attempt, at: afterRead(attempt), anchor } };
}

function readJob(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  const found = jobNamed(cluster, attempt.name);
  const ours =
    variant.takeAnyName || isOfTask(asJob(found), runName(attempt.names), TASK_LABEL) ? (found ?? null) : null;
  const sawStarted = attempt.sawStarted || (ours !== null && !ours.suspended && attempt.neverStarted !== 'certain');
  const certain = variant.kueue && ours?.suspended && (ours.ending !== '' || variant.readTrusted);
  const neverStarted = certain ? 'certain' : attempt.neverStarted;
  const label = `release reads the Job: ${presence(ours)}${ours?.finished ? ', finished' : ''}`;
  return { label, attempt: { ...attempt, at: afterRead(attempt), job: ours, sawStarted, neverStarted } };
}

const presence = (found: { readonly ending: unknown } | null) =>
  found === null ? 'absent' : found.ending === false || found.ending === '' ? 'there' : 'ending';
/** Pods carry the name of their attempt. */
const podsOf = (cluster: Cluster, names: Names) =>
  podsSeen(cluster).filter(({ mounts }) => mounts === '' || mounts === names);

function decide(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  const blind = variant.noPodProof || (variant.podsBeforeAnchor && attempt.calm);
  const own = podsOf(cluster, attempt.names);
  const pods = blind ? [] : own.flatMap((pod) => asPod(pod) ?? []);
  const anchor = asConfigMap(attempt.anchor);
  const looked = { anchor, job: asJob(attempt.job), pods };
  const step = variant.anchorFirst ? anchorFirst(looked) : nextReleaseStep(looked);
  const started = attempt.sawStarted || own.length > 0;
  const again: Attempt = {
    ...attempt,
    at: variant.podsBeforeAnchor ? 'early' : 'anchor',
    anchor: null,
    job: null,
    calm: true,
    sawStarted: started,
  };
  const sent = { ...again, at: 'wait' } as const;
  const released: Result = { is: 'done', anchor: 0, job: 0, started, neverStarted: attempt.neverStarted === 'certain' };
  const unsettled = attempt.given === 0 && attempt.job?.finished === true && attempt.job.ending === '';
  if (unsettled && !variant.endingDeletedUntold)
    return {
      label: 'release finds that the Job has ended by itself: first that goes to history',
      attempt,
      result: { is: 'unsettled' },
    };
  switch (step.do) {
    case 'delete job': {
      const uid = variant.deleteWithoutUid ? 0 : Number(step.uid);
      const settled = attempt.of === 'release' && attempt.given === 1;
      const unversioned = variant.deleteWithoutUid || variant.deleteWithoutVersion || settled;
      const version = unversioned ? 0 : Number(step.resourceVersion);
      const propagation = variant.propagation ?? step.propagation;
      const request = { verb: 'delete job', name: attempt.name, uid, version, propagation } as const;
      const neverStarted =
        variant.kueue && !variant.readTrusted && attempt.job?.suspended ? 'asked' : attempt.neverStarted;
      return { label: `release sends "delete the Job, ${propagation}"`, attempt: { ...sent, neverStarted }, request };
    }
    case 'delete anchor':
      return {
        label: 'release sends "delete the anchor"',
        attempt: sent,
        request: { verb: 'delete anchor', name: attempt.names, uid: Number(step.uid) },
      };
    case 'delete pod':
      return {
        label: 'release sends "delete the stray Pod"',
        attempt: sent,
        request: { verb: 'delete pod', uid: Number(step.uid), force: false },
      };
    case 'wait':
      if (variant.toldBeforeProof)
        return { label: 'release has sent its deletes and does not wait', attempt, result: released };
      return { label: 'release reads the Pods: not all is gone yet, it looks again', attempt: again };
    case 'say released':
      return { label: 'release reads the Pods: nothing is left; it is over', attempt, result: released };
  }
}

type Looked = Parameters<typeof nextReleaseStep>[0];

/** The mutant: the anchor goes before the Job. */
function anchorFirst(looked: Looked): ReturnType<typeof nextReleaseStep> {
  const { anchor } = looked;
  if (anchor !== undefined && anchor.metadata?.deletionTimestamp === undefined)
    return { do: 'delete anchor', uid: anchor.metadata?.uid ?? '' };
  return nextReleaseStep(looked);
}
