/**
 * Holdfast's activities as models: an attempt reads, asks src/fence.ts, and sends one write. Each read, each write and
 * each answer is a step of its own, so everything may come between.
 */
import { isOfTask, nextReleaseStep, nextStartStep, standingAnchor, standingJob } from '../../../src/fence.ts';
import type { Anchor, Answer, ApiRequest, Cluster, Job, Propagation } from '../cluster.ts';
import { jobNamed, podsSeen } from '../cluster.ts';
import { anchorRef, asConfigMap, asJob, asPod, jobRef, RUN_NAME, SPEC_HASH, TASK_LABEL } from './holdfast-objects.ts';

/** What is left out of the fence, to see whether a property catches it. */
export interface Flaws {
  readonly bornStarted?: true;
  readonly blindStart?: true;
  readonly noMount?: true;
  readonly noOwner?: true;
  readonly adoptUnread?: true;
  readonly reserveOtherName?: true;
  readonly propagation?: Propagation;
  readonly deleteWithoutUid?: true;
  readonly deleteWithoutVersion?: true;
  readonly takeAnyName?: true;
  readonly anchorFirst?: true;
  readonly toldBeforeProof?: true;
  readonly podsBeforeAnchor?: true;
  readonly noPodProof?: true;
  readonly noReleaseIfUnknown?: true;
  readonly noSweeper?: true;
  readonly releaseOnce?: true;
  readonly endingDeletedUntold?: true;
  readonly killReleasesFirst?: true;
  readonly killToldBeforeProof?: true;
  readonly killForgetsForce?: true;
}

/** What could be added to the fence, to see whether it closes a hole. */
export interface Additions {
  /** Reserve writes the key that Pods mount into the anchor whose uid is in the history; that of no other. */
  readonly armedByUid?: true;
  /** "Before its start" is told only if start was never scheduled, whatever release has or has not seen. */
  readonly startedByHistory?: true;
  /** The code reads anchor and Job at once, so either may be read first; the Pods are read last in any case. */
  readonly jobReadFirst?: true;
}

export type Variant = Flaws & Additions;

export type Activity = 'provision' | 'reserve' | 'start' | 'release' | 'sweep';

export interface Attempt {
  readonly id: number;
  readonly of: Activity;
  readonly at: 'send' | 'wait' | 'granted' | 'arming' | 'armed' | 'lost' | 'read' | 'early' | 'anchor' | 'job' | 'pods';
  /** Its result is still wanted; otherwise it is a zombie, or the sweeper. */
  readonly live: boolean;
  /** What it was given: reserve the anchor's uid, start the Job's; release 1 if the Job's ending is in the history. */
  readonly given: number;
  readonly name: string;
  readonly anchor: Anchor | null;
  readonly job: Job | null;
  readonly calm: boolean;
  /** Release saw the Job un-suspended, or a Pod. */
  readonly sawStarted: boolean;
}

export type Result =
  | { readonly is: 'done'; readonly uid: number; readonly started: boolean }
  /** Release found that the Job has ended by itself, and has deleted nothing. */
  | { readonly is: 'unsettled' }
  /** A failure that Temporal retries. */
  | { readonly is: 'again' }
  | { readonly is: 'lost' };

/** What an attempt does next: goes on, sends a request and waits, or is over. */
export interface Move {
  readonly label: string;
  readonly attempt: Attempt;
  readonly request?: ApiRequest;
  readonly result?: Result;
}

export function newAttempt(id: number, of: Activity, live: boolean, given: number, name: string): Attempt {
  const at = of === 'start' ? 'read' : of === 'release' || of === 'sweep' ? 'anchor' : 'send';
  const seen = { anchor: null, job: null, calm: true, sawStarted: false };
  return { id, of, at, live, given, name, ...seen };
}

export function move(attempt: Attempt, cluster: Cluster, variant: Variant): Move | undefined {
  if (attempt.at === 'wait' || attempt.at === 'arming') return undefined;
  if (attempt.at === 'lost') return prefixed(attempt, { label: 'the anchor is gone', attempt, result: LOST });
  if (attempt.at === 'granted')
    return prefixed(attempt, { label: `${attempt.of} is done`, attempt, result: done(attempt.given) });
  return prefixed(attempt, moveOf(attempt, cluster, variant));
}

function prefixed(attempt: Attempt, move: Move): Move {
  if (attempt.of === 'sweep') return { ...move, label: `Sweeper: ${move.label}` };
  return attempt.live ? move : { ...move, label: `Zombie attempt: ${move.label}` };
}

/** The answer is with the attempt. A create or a start that was granted is enough; all else is read again. */
export function afterAnswer(attempt: Attempt, { code, uid }: Answer): Attempt {
  if (attempt.of === 'release' || attempt.of === 'sweep') return { ...attempt, at: 'anchor' };
  if (attempt.at === 'arming') return { ...attempt, at: code === 200 ? 'armed' : 'lost' };
  if (code === 201) return { ...attempt, at: 'granted', given: uid };
  if (code === 200) return { ...attempt, at: 'granted' };
  return { ...attempt, at: 'read' };
}

/** Nobody knows what became of the request: read, then decide. */
export function afterUnclear(attempt: Attempt): Attempt {
  if (attempt.at === 'arming') return { ...attempt, at: 'send' };
  return { ...attempt, at: attempt.of === 'release' || attempt.of === 'sweep' ? 'anchor' : 'read' };
}

function moveOf(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  switch (attempt.of) {
    case 'provision':
      return provision(attempt, cluster, variant);
    case 'reserve':
      return reserve(attempt, cluster, variant);
    case 'start':
      return start(attempt, cluster, variant);
    case 'release':
    case 'sweep':
      return release(attempt, cluster, variant);
  }
}

const waiting = (attempt: Attempt): Attempt => ({ ...attempt, at: 'wait' });
const done = (uid: number): Result => ({ is: 'done', uid, started: false });
const LOST: Result = { is: 'lost' };
const AGAIN: Result = { is: 'again' };

function provision(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  const armed = !variant.armedByUid;
  const request = { verb: 'create anchor', armed } as const;
  if (attempt.at === 'send') return { label: 'Worker sends "create the anchor"', attempt: waiting(attempt), request };
  const standing = standingAnchor(asConfigMap(cluster.anchor), SPEC_HASH);
  const label = `Worker reads what stands under the anchor's name: ${standing}`;
  if (standing === 'absent') return { label, attempt, result: AGAIN };
  return { label, attempt, result: standing === 'ours' ? done(cluster.anchor?.uid ?? 0) : LOST };
}

function reserve(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  if (attempt.at === 'send' && variant.armedByUid)
    return {
      label: 'Worker sends "write the key that Pods mount into the anchor", with the uid that is in the history',
      attempt: { ...attempt, at: 'arming' },
      request: { verb: 'arm anchor', uid: attempt.given },
    };
  if (attempt.at === 'send' || attempt.at === 'armed') return createJob(attempt, variant);
  const found = jobNamed(cluster, attempt.name);
  const standing =
    variant.adoptUnread || variant.noOwner
      ? adopted(found)
      : standingJob(asJob(found), anchorRef(attempt.given), SPEC_HASH);
  const label = `Worker reads what stands under the Job's name: ${standing}`;
  if (standing === 'absent') return { label, attempt, result: AGAIN };
  return { label, attempt, result: standing === 'ours' ? done(found?.uid ?? 0) : LOST };
}

function createJob(attempt: Attempt, variant: Variant): Move {
  const owner = variant.noOwner ? 0 : attempt.given;
  const suspended = !variant.bornStarted;
  const shape = { owner, mounts: !variant.noMount, suspended, foreign: false };
  const request = { verb: 'create job', name: attempt.name, ...shape } as const;
  const label = `Worker sends "create the Job, ${suspended ? 'suspended' : 'NOT suspended'}, owned by the anchor"`;
  return { label, attempt: waiting(attempt), request };
}

const adopted = (found: Job | undefined) => (found === undefined ? 'absent' : found.ending === '' ? 'ours' : 'ending');

function start(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  if (attempt.at === 'send') {
    const expected = variant.blindStart
      ? { uid: 0, version: 0 }
      : { uid: attempt.given, version: attempt.job?.version ?? 0 };
    const request = { verb: 'start job', name: attempt.name, ...expected } as const;
    return { label: 'Worker sends "un-suspend the Job"', attempt: { ...waiting(attempt), job: null }, request };
  }
  const found = jobNamed(cluster, attempt.name);
  const step = nextStartStep(asJob(found), jobRef(attempt.given));
  if (step.do === 'patch')
    return { label: 'Worker reads the Job: still suspended', attempt: { ...attempt, at: 'send', job: found ?? null } };
  const result: Result = step.do === 'nothing' ? done(attempt.given) : LOST;
  return { label: `Worker reads the Job: ${step.because}`, attempt, result };
}

// --- Release ----------------------------------------------------------------------------------------------------------

function release(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  switch (attempt.at) {
    case 'early': {
      const calm = noLivePods(cluster);
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
  const label = `release reads the anchor: ${presence(cluster.anchor)}`;
  return { label, attempt: { ...attempt, at: afterRead(attempt), anchor: cluster.anchor } };
}

function readJob(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  const found = jobNamed(cluster, attempt.name);
  const ours = variant.takeAnyName || isOfTask(asJob(found), RUN_NAME, TASK_LABEL) ? (found ?? null) : null;
  const sawStarted = attempt.sawStarted || (ours !== null && !ours.suspended);
  const label = `release reads the Job: ${presence(ours)}${ours?.finished ? ', finished' : ''}`;
  return { label, attempt: { ...attempt, at: afterRead(attempt), job: ours, sawStarted } };
}

const presence = (found: { readonly ending: unknown } | null) =>
  found === null ? 'absent' : found.ending === false || found.ending === '' ? 'there' : 'ending';
const noLivePods = (cluster: Cluster) => podsSeen(cluster).every((pod) => pod.phase === 'done');

function decide(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  const blind = variant.noPodProof || (variant.podsBeforeAnchor && attempt.calm);
  const pods = blind ? [] : cluster.pods.flatMap((pod) => asPod(pod) ?? []);
  const anchor = asConfigMap(attempt.anchor);
  const looked = { anchor, job: asJob(attempt.job), pods };
  const step = variant.anchorFirst ? anchorFirst(looked) : nextReleaseStep(looked);
  const started = attempt.sawStarted || podsSeen(cluster).length > 0;
  const again: Attempt = {
    ...attempt,
    at: variant.podsBeforeAnchor ? 'early' : 'anchor',
    anchor: null,
    job: null,
    calm: true,
    sawStarted: started,
  };
  const sent = { ...again, at: 'wait' } as const;
  const released: Result = { is: 'done', uid: 0, started };
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
      const version = variant.deleteWithoutUid || variant.deleteWithoutVersion ? 0 : Number(step.resourceVersion);
      const propagation = variant.propagation ?? 'Foreground';
      const request = { verb: 'delete job', name: attempt.name, uid, version, propagation } as const;
      return { label: `release sends "delete the Job, ${propagation}"`, attempt: sent, request };
    }
    case 'delete anchor':
      return {
        label: 'release sends "delete the anchor"',
        attempt: sent,
        request: { verb: 'delete anchor', uid: Number(step.uid) },
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
