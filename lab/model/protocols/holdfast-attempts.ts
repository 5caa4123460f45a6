/** An attempt of one of Holdfast's activities: what it was given, what it has read, and what becomes of an answer. */
import type { Anchor, Answer, ApiRequest, Job, Propagation } from '../cluster.ts';
import type { Names } from './holdfast-objects.ts';

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
  readonly resetLeavesOlder?: true;
  readonly toldBeforeOlder?: true;
  readonly retryBeforeRelease?: true;
  readonly bornQueued?: true;
  readonly kueueByName?: true;
  readonly foundNothingTrusted?: true;
  readonly readTrusted?: true;
}

/** What could be added to the fence, to see whether it closes a hole. */
export interface Additions {
  /** Start writes the key that Pods mount into the anchor whose uid is in the history; that of no other. */
  readonly armedByUid?: true;
  /** What an older attempt left is removed beside what provision makes: here after it, and before it otherwise. */
  readonly clearLast?: true;
  /** Start arms the anchor and lets the Job go at once, so either may come first: here it is armed last. */
  readonly armedLast?: true;
  /** The Job comes by an activity of its own, when the limiter has let the run in. */
  readonly letIn?: true;
  /** "Before its start" is told only if start was never scheduled, whatever release has or has not seen. */
  readonly startedByHistory?: true;
  /** The code reads anchor and Job at once, so either may be read first; the Pods are read last in any case. */
  readonly jobReadFirst?: true;
  /** Start gives the Job its queue label; Kueue un-suspends it, whenever it likes. */
  readonly kueue?: true;
}

export type Variant = Flaws & Additions;

/** `clear`: provision, or the last release, removes what is left of an older attempt. */
export type Activity = 'clear' | 'provision' | 'reserve' | 'start' | 'release' | 'sweep';

export interface Attempt {
  readonly id: number;
  readonly of: Activity;
  readonly at:
    | 'send'
    | 'wait'
    | 'granted'
    | 'arm'
    | 'arming'
    | 'lost'
    | 'read'
    | 'early'
    | 'anchor'
    | 'job'
    | 'pods'
    /** Of provision, whose anchor stands: the Job is next. */
    | 'create'
    | 'creating'
    | 'look';
  /** Its result is still wanted; otherwise it is a zombie, or the sweeper. */
  readonly live: boolean;
  /** What it was given: start the Job's uid; release 1 if the Job's ending is in the history. */
  readonly given: number;
  /** The anchor's uid, as history says it, or as provision was told. */
  readonly owner: number;
  readonly names: Names;
  /** The Job's: that of `names`, but for a mutant. */
  readonly name: string;
  readonly anchor: Anchor | null;
  readonly job: Job | null;
  readonly calm: boolean;
  /** Start has armed the anchor. */
  readonly armed: boolean;
  /** Release saw the Job un-suspended, or a Pod. */
  readonly sawStarted: boolean;
  /** `asked`: it was suspended when release read it, and was so when it was deleted if that is granted. For Kueue only. */
  readonly neverStarted: 'unknown' | 'asked' | 'certain';
}

export type Result =
  | {
      readonly is: 'done';
      readonly anchor: number;
      readonly job: number;
      readonly started: boolean;
      readonly neverStarted?: boolean;
    }
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

type Asked = Pick<Attempt, 'id' | 'of' | 'live' | 'given' | 'owner' | 'names' | 'name'>;

export function newAttempt(asked: Asked): Attempt {
  return {
    ...asked,
    at: firstOf(asked),
    anchor: null,
    job: null,
    calm: true,
    armed: false,
    sawStarted: false,
    neverStarted: 'unknown',
  };
}

function firstOf({ of }: Pick<Attempt, 'of'>): Attempt['at'] {
  switch (of) {
    case 'provision':
      return 'send';
    case 'reserve':
      return 'create';
    case 'start':
      return 'arm';
    case 'clear':
    case 'release':
    case 'sweep':
      return 'anchor';
  }
}

export const removes = ({ of }: Pick<Attempt, 'of'>) => of === 'release' || of === 'sweep' || of === 'clear';

/** The answer is with the attempt. A create or a start that was granted is enough; all else is read again. */
export function afterAnswer(attempt: Attempt, { code, uid }: Answer): Attempt {
  if (removes(attempt)) return { ...attempt, at: 'anchor', neverStarted: granted(attempt, code) };
  if (attempt.at === 'arming')
    return code === 200 ? { ...attempt, at: 'read', armed: true } : { ...attempt, at: 'lost' };
  if (attempt.at === 'creating')
    return code === 201 ? { ...attempt, at: 'granted', given: uid } : { ...attempt, at: 'look' };
  if (code === 201) return { ...attempt, at: 'create', owner: uid };
  if (code === 200) return { ...attempt, at: 'granted' };
  return { ...attempt, at: 'read' };
}

/** Nobody knows what became of the request: read, then decide. */
export function afterUnclear(attempt: Attempt): Attempt {
  if (attempt.at === 'arming') return { ...attempt, at: 'arm' };
  if (attempt.at === 'creating') return { ...attempt, at: 'look' };
  if (removes(attempt)) return { ...attempt, at: 'anchor', neverStarted: granted(attempt, 0) };
  return { ...attempt, at: 'read' };
}

function granted({ neverStarted }: Attempt, code: number): Attempt['neverStarted'] {
  if (neverStarted !== 'asked') return neverStarted;
  return code === 200 ? 'certain' : 'unknown';
}
