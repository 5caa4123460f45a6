/**
 * Pure: what was seen of one run's objects, and what Temporal says of its task, to keep, suspect or remove. Every doubt
 * keeps. Needed only where no workflow code ran (Terminate, timeouts, deletion, Reset with no worker alive), and for the
 * one thing the fence cannot close: an anchor whose create landed after its run was released.
 */
import { FEW } from '../activities/lost-tasks.ts';
import type { TaskStanding } from '../task-standing.ts';

/** What stands under one run's name and carries all marks of it. */
export interface FoundRun {
  /** The fence's name of the run. */
  readonly run: string;
  readonly taskId: string;
  readonly runId: string;
  /** The Temporal namespace that its objects name. */
  readonly temporalNamespaceId: string;
  /** uids of its anchor and Job, sorted: the same suspect only if these are the same. */
  readonly uids: readonly string[];
  readonly kinds: readonly ('anchor' | 'job')[];
  /** Of the youngest of them, by the API server's own clock; NaN if that is not known. */
  readonly ageSeconds: number;
}

export interface SweepRules {
  readonly ownNamespaceId: string;
  readonly minAgeSeconds: number;
  /** Most that may be without an open task, of all runs of this Temporal, before a sweep is refused. */
  readonly maxPercent: number;
}

export type Keep = 'of another Temporal' | 'too young' | 'task is open' | 'Temporal is not sure';
export type Reason = 'task closed' | 'task absent';

export type Verdict =
  | { readonly do: 'keep'; readonly because: Keep }
  | { readonly do: 'suspect'; readonly reason: Reason }
  | { readonly do: 'remove'; readonly reason: Reason };

/** What needs no word from Temporal: of such a run it is not asked. */
export function keptUnasked(found: FoundRun, rules: SweepRules): Keep | undefined {
  if (found.temporalNamespaceId !== rules.ownNamespaceId) return 'of another Temporal';
  return found.ageSeconds >= rules.minAgeSeconds ? undefined : 'too young';
}

/** `before` is the run of this name that the look before suspected. */
export function judge(
  found: FoundRun,
  standing: TaskStanding,
  rules: SweepRules,
  before: Pick<FoundRun, 'uids'> | undefined,
): Verdict {
  const because = keptUnasked(found, rules);
  if (because !== undefined) return { do: 'keep', because };
  switch (standing) {
    case 'open':
      return { do: 'keep', because: 'task is open' };
    case 'unknown':
      return { do: 'keep', because: 'Temporal is not sure' };
    case 'closed':
    case 'absent':
      // Twice, so that a release which is just finishing is not disturbed, nor one wrong answer believed.
      return { do: before !== undefined && isSame(found, before) ? 'remove' : 'suspect', reason: `task ${standing}` };
  }
}

/**
 * Whether it is likelier that we are wrong (a Temporal restored from a backup) than that so much was left behind. Few are
 * removed whatever their share: an installation that is idle has nothing but strays.
 */
export function isTooMany(suspects: number, runs: number, { maxPercent }: SweepRules): boolean {
  return suspects >= FEW && suspects * 100 > maxPercent * runs;
}

function isSame(a: Pick<FoundRun, 'uids'>, b: Pick<FoundRun, 'uids'>): boolean {
  return a.uids.join() === b.uids.join();
}
