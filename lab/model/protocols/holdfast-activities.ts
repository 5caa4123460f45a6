/**
 * Holdfast's activities as models: an attempt reads, asks src/fence.ts, and sends one write. Each read, each write and
 * each answer is a step of its own, so everything may come between.
 */
import { nextStartStep, standingAnchor, standingJob } from '../../../src/fence.ts';
import type { Cluster, Job } from '../cluster.ts';
import { anchorNamed, jobNamed } from '../cluster.ts';
import type { Attempt, Move, Result, Variant } from './holdfast-attempts.ts';
import { anchorRef, asConfigMap, asJob, jobRef, QUEUE, SPEC_HASH } from './holdfast-objects.ts';
import { release } from './holdfast-release.ts';

export function move(attempt: Attempt, cluster: Cluster, variant: Variant): Move | undefined {
  if (attempt.at === 'wait' || attempt.at === 'arming' || attempt.at === 'creating') return undefined;
  if (attempt.at === 'lost') return prefixed(attempt, { label: 'the anchor is gone', attempt, result: LOST });
  if (attempt.at === 'granted' && !armsNext(attempt, variant))
    return prefixed(attempt, { label: `${attempt.of} is done`, attempt, result: done(attempt) });
  return prefixed(attempt, moveOf(attempt, cluster, variant));
}

function prefixed(attempt: Attempt, move: Move): Move {
  if (attempt.of === 'sweep') return { ...move, label: `Sweeper: ${move.label}` };
  return attempt.live ? move : { ...move, label: `Zombie attempt: ${move.label}` };
}

function moveOf(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  switch (attempt.of) {
    case 'provision':
      return provision(attempt, cluster, variant);
    case 'reserve':
      return reserve(attempt, cluster, variant);
    case 'start':
      return start(attempt, cluster, variant);
    case 'clear':
    case 'release':
    case 'sweep':
      return release(attempt, cluster, variant);
  }
}

const waiting = (attempt: Attempt): Attempt => ({ ...attempt, at: 'wait' });
const done = ({ owner, given }: Pick<Attempt, 'owner' | 'given'>): Result => ({
  is: 'done',
  anchor: owner,
  job: given,
  started: false,
});
const LOST: Result = { is: 'lost' };
const AGAIN: Result = { is: 'again' };

/** The anchor, and in the same activity the Job; where the run must be let in first, only the anchor. */
function provision(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  if (attempt.at === 'create' && variant.letIn)
    return { label: 'provision is done', attempt, result: done({ owner: attempt.owner, given: 0 }) };
  if (attempt.at === 'create' || attempt.at === 'look') return reserve(attempt, cluster, variant);
  const armed = !variant.armedByUid;
  const request = { verb: 'create anchor', name: attempt.names, armed } as const;
  if (attempt.at === 'send') return { label: 'Worker sends "create the anchor"', attempt: waiting(attempt), request };
  const found = anchorNamed(cluster, attempt.names);
  const standing = standingAnchor(asConfigMap(found), SPEC_HASH);
  const label = `Worker reads what stands under the anchor's name: ${standing}`;
  if (standing === 'absent') return { label, attempt, result: AGAIN };
  if (standing !== 'ours') return { label, attempt, result: LOST };
  return { label, attempt: { ...attempt, at: 'create', owner: found?.uid ?? 0 } };
}

function reserve(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  if (attempt.at === 'create') return createJob(attempt, variant);
  const found = jobNamed(cluster, attempt.name);
  const standing =
    variant.adoptUnread || variant.noOwner
      ? adopted(found)
      : standingJob(asJob(found), anchorRef(attempt.owner), SPEC_HASH);
  const label = `Worker reads what stands under the Job's name: ${standing}`;
  if (standing === 'absent') return { label, attempt, result: AGAIN };
  if (standing !== 'ours') return { label, attempt, result: LOST };
  return { label, attempt, result: done({ owner: attempt.owner, given: found?.uid ?? 0 }) };
}

function createJob(attempt: Attempt, variant: Variant): Move {
  const owner = variant.noOwner ? 0 : attempt.owner;
  const suspended = !variant.bornStarted;
  const queued = variant.bornQueued && ({ queued: true } as const);
  const shape = { owner, mounts: variant.noMount ? '' : attempt.names, suspended, ...queued, foreign: false };
  const request = { verb: 'create job', name: attempt.name, ...shape } as const;
  const label = `Worker sends "create the Job, ${suspended ? 'suspended' : 'NOT suspended'}, owned by the anchor"`;
  return { label, attempt: { ...attempt, at: 'creating' }, request };
}

const adopted = (found: Job | undefined) => (found === undefined ? 'absent' : found.ending === '' ? 'ours' : 'ending');

/** The Job was let go, and what its Pods mount is not there yet. */
const armsNext = ({ of, armed }: Attempt, variant: Variant) => of === 'start' && variant.armedLast === true && !armed;

function arm(attempt: Attempt): Move {
  return {
    label: 'Worker sends "write the key that Pods mount into the anchor", with the uid that is in the history',
    attempt: { ...attempt, at: 'arming' },
    request: { verb: 'arm anchor', name: attempt.names, uid: attempt.owner },
  };
}

function start(attempt: Attempt, cluster: Cluster, variant: Variant): Move {
  if (attempt.at === 'arm' && variant.armedByUid && !variant.armedLast) return arm(attempt);
  if (attempt.at === 'granted') return arm(attempt);
  if (attempt.at === 'send') {
    const expected = variant.blindStart
      ? { uid: 0, version: 0 }
      : { uid: attempt.given, version: attempt.job?.version ?? 0 };
    const request = { verb: variant.kueue ? 'queue job' : 'start job', name: attempt.name, ...expected } as const;
    const label = `Worker sends "${variant.kueue ? 'give the Job to Kueue' : 'un-suspend the Job'}"`;
    return { label, attempt: { ...waiting(attempt), job: null }, request };
  }
  const found = jobNamed(cluster, attempt.name);
  const step = nextStartStep(asJob(found), jobRef(attempt.given), variant.kueue && QUEUE);
  if (step.do === 'patch')
    return { label: 'Worker reads the Job: still suspended', attempt: { ...attempt, at: 'send', job: found ?? null } };
  if (step.do === 'nothing' && armsNext(attempt, variant)) return arm(attempt);
  const result: Result = step.do === 'nothing' ? done(attempt) : LOST;
  return { label: `Worker reads the Job: ${step.because}`, attempt, result };
}
