/**
 * Pure: what was seen of one run's objects, and what Temporal says of its task, to keep or release. Every doubt keeps.
 * Needed only where no workflow code ran (Terminate, timeouts, deletion, Reset with no worker alive), and for the one
 * thing the fence cannot close: an anchor whose create landed after its run was released.
 */

import type { TaskStanding } from '../task-standing.ts';

export interface Suspect {
  /** The fence's name of the run. */
  readonly run: string;
  /** The Temporal namespace its objects name. */
  readonly temporalNamespaceId: string;
  /** uids of its anchor and Job, sorted: the same suspect only if these are the same. */
  readonly uids: readonly string[];
}

export type Verdict =
  | { readonly do: 'keep'; readonly because: 'of another Temporal' | 'task is open' | 'Temporal is not sure' }
  | { readonly do: 'watch'; readonly because: 'seen for the first time' }
  | { readonly do: 'release' };

/** `before` is the same run as the sweep before saw and suspected it. */
export function judge(
  suspect: Suspect,
  standing: TaskStanding,
  ownNamespaceId: string,
  before: Suspect | undefined,
): Verdict {
  if (suspect.temporalNamespaceId !== ownNamespaceId) return { do: 'keep', because: 'of another Temporal' };
  switch (standing) {
    case 'open':
      return { do: 'keep', because: 'task is open' };
    case 'unknown':
      return { do: 'keep', because: 'Temporal is not sure' };
    case 'closed':
    case 'absent':
      // Twice, so that a release which is just finishing is not disturbed.
      return isSame(suspect, before) ? { do: 'release' } : { do: 'watch', because: 'seen for the first time' };
  }
}

function isSame(a: Suspect, b: Suspect | undefined): boolean {
  return b !== undefined && a.run === b.run && a.uids.join() === b.uids.join();
}
