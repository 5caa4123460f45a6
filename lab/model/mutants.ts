/**
 * Holdfast with one part of the fence left out each time. If some property notices, the part is needed, and the model
 * is able to see it; if none does under the faults tried, the part is needless as far as this model can tell.
 */
import type { Condition } from './catalogue.ts';
import { holdfastModel, AS_CODED } from './catalogue.ts';
import type { Bounds } from './explore.ts';
import { explore } from './explore.ts';
import type { Variant } from './protocols/holdfast-attempts.ts';
import { PROMISE } from './promise.ts';

export interface Mutant {
  readonly name: string;
  readonly variant: Variant;
  /** The faults that show it; several are tried one after the other. */
  readonly under: readonly Condition['faults'][];
  /** One property that must notice; none: the part is needless, and `why` says what else covers it. */
  readonly caughtBy?: string;
  readonly why?: string;
  readonly base?: Variant;
}

const LATE = { late: 1 };
const TWICE = { twice: 1 };
const DIES = { crash: 1 };
const KILL = { kill: 1 };
const RESET = { reset: 1 };
const LATE_TWICE = { late: 1, twice: 1 };

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'the Job is created suspended',
    variant: { bornStarted: true },
    under: [LATE],
    caughtBy: PROMISE.noPod,
  },
  {
    name: 'start is a compare-and-set',
    variant: { blindStart: true },
    under: [LATE_TWICE],
    caughtBy: PROMISE.oneStart,
  },
  {
    name: 'the Pod mounts the anchor',
    variant: { noMount: true },
    under: [{}],
    caughtBy: PROMISE.noContainer,
  },
  {
    name: 'the key that Pods mount is written by uid',
    base: { startedByHistory: true },
    variant: {},
    under: [TWICE],
    caughtBy: PROMISE.noContainer,
  },
  {
    name: 'told only after proof',
    variant: { toldBeforeProof: true },
    under: [{}],
    caughtBy: PROMISE.noContainer,
  },
  {
    name: 'release looks at Pods',
    variant: { noPodProof: true },
    under: [{}],
    caughtBy: PROMISE.noContainer,
  },
  {
    name: 'Pods are read after the anchor is gone',
    variant: { podsBeforeAnchor: true },
    under: [{}],
    caughtBy: PROMISE.noContainer,
  },
  {
    name: 'the anchor owns the Job (and no sweeper)',
    variant: { noOwner: true, noSweeper: true },
    under: [TWICE],
    caughtBy: PROMISE.cleanCancel,
  },
  {
    name: 'the delete of the Job carries uid and resourceVersion',
    variant: { deleteWithoutUid: true },
    under: [{ rival: 1, twice: 1 }],
    caughtBy: PROMISE.noForeign,
  },
  {
    name: 'the delete of the Job carries its resourceVersion',
    variant: { deleteWithoutVersion: true },
    under: [{}],
    caughtBy: PROMISE.truth,
  },
  {
    name: 'release touches only what carries our marks',
    variant: { takeAnyName: true },
    under: [{ rival: 1 }],
    caughtBy: PROMISE.noForeign,
  },
  {
    name: 'after a 409, what stands there is read before it counts as ours',
    variant: { adoptUnread: true },
    under: [{ rival: 1 }],
    caughtBy: PROMISE.noForeign,
  },
  {
    name: 'the ending is in the history before the Job is deleted',
    variant: { endingDeletedUntold: true },
    under: [{}],
    caughtBy: PROMISE.truth,
  },
  {
    name: 'the Job is deleted before its anchor',
    variant: { anchorFirst: true },
    under: [{}],
    caughtBy: PROMISE.truth,
  },
  {
    name: 'release also when it is not known what was created (and no sweeper)',
    variant: { noReleaseIfUnknown: true, noSweeper: true },
    under: [LATE],
    caughtBy: PROMISE.cleanCancel,
  },
  {
    name: 'release is tried until it is over',
    variant: { releaseOnce: true },
    under: [DIES],
    caughtBy: PROMISE.cleanEnd,
  },
  {
    name: '"before its start" is told from the history',
    base: { armedByUid: true },
    variant: {},
    under: [{ crash: 2 }],
    caughtBy: PROMISE.truth,
  },
  {
    name: 'the Job is deleted with a propagation policy (the default of batch/v1 is Orphan)',
    variant: { propagation: 'Orphan' },
    under: [{}],
    caughtBy: PROMISE.cleanCancel,
  },
  {
    name: 'a kill ends the workflow before it deletes',
    variant: { killReleasesFirst: true },
    under: [KILL],
    caughtBy: PROMISE.noContainer,
  },
  {
    name: 'a kill waits for the proof',
    variant: { killToldBeforeProof: true },
    under: [KILL],
    caughtBy: PROMISE.noContainer,
  },
  {
    name: 'a kill says what it has removed without proof',
    variant: { killForgetsForce: true },
    under: [KILL],
    caughtBy: PROMISE.noContainer,
  },
  {
    name: 'the run that a Reset begins releases the old one before it provisions',
    variant: { resetLeavesOlder: true },
    under: [RESET],
    caughtBy: PROMISE.oneStart,
  },
  {
    name: 'a run that is cancelled before it has provisioned releases the older one, too',
    variant: { toldBeforeOlder: true },
    under: [RESET],
    caughtBy: PROMISE.noContainer,
  },
  {
    name: 'a retry begins when the attempt before it is released',
    variant: { retryBeforeRelease: true },
    under: [{ retry: 1 }],
    why: 'provision covers it: it releases what older attempts have left',
  },
  {
    name: 'a retry begins when the attempt before it is released (and provision leaves that alone)',
    variant: { retryBeforeRelease: true, resetLeavesOlder: true },
    under: [{ retry: 1 }],
    caughtBy: PROMISE.oneStart,
  },
  {
    name: 'the label that lets Kueue start the Job comes by compare-and-set, not at birth',
    variant: { kueue: true, bornQueued: true },
    under: [{ kueue: 1, late: 1 }],
    caughtBy: PROMISE.noPod,
  },
  {
    name: "Kueue's un-suspend names the object that it read",
    variant: { kueue: true, kueueByName: true },
    under: [{ kueue: 1, twice: 1 }],
    caughtBy: PROMISE.noPod,
  },
  {
    name: 'that it was never started is said of a Job that was deleted as it was read',
    variant: { kueue: true, readTrusted: true },
    under: [{ kueue: 1, zombie: 1 }],
    caughtBy: PROMISE.truth,
  },
  {
    name: 'a release that finds no Job of those that Kueue may start does not say that it was not started',
    variant: { kueue: true, foundNothingTrusted: true },
    under: [{ kueue: 1, crash: 1 }],
    caughtBy: PROMISE.truth,
  },
  {
    name: 'the Job is deleted Foreground, not Background',
    variant: { propagation: 'Background' },
    under: [LATE, DIES],
    why: 'the mount and the proof by Pods cover it; Foreground only makes late Pods rarer',
  },
  {
    name: 'a Job that is created again keeps its name',
    variant: { reserveOtherName: true },
    under: [LATE, DIES],
    why: 'the owner covers it: the garbage collector takes the Job of the other name with the anchor',
  },
];

export interface Caught {
  readonly properties: readonly string[];
  readonly states: number;
}

export function caughtBy(mutant: Mutant, bounds: Bounds): Caught {
  const properties = new Set<string>();
  let states = 0;
  for (const faults of mutant.under) {
    const condition: Condition = { name: mutant.name, faults, habits: { statusWrites: false } };
    const model = holdfastModel(condition, { ...(mutant.base ?? AS_CODED), ...mutant.variant });
    const exploration = explore(model, mutant.caughtBy === undefined ? bounds : { ...bounds, stopAt: mutant.caughtBy });
    states += exploration.states;
    for (const { result, property } of exploration.verdicts) if (result === 'broken') properties.add(property);
    if (mutant.caughtBy !== undefined && properties.has(mutant.caughtBy)) break;
  }
  return { properties: [...properties], states };
}
