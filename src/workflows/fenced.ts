/**
 * The undo is in place before the deed: whatever the body did, tried to do, or may yet do on the wire, release comes
 * after it, on every exit, shielded from cancellation. The only file that may shield.
 */
import { CancellationScope } from '@temporalio/workflow';
import type { AnchorRef, Ending, Released, RunRef } from '../contract.ts';
import { release } from './activity-policies.ts';

export interface Fence {
  readonly run: RunRef;
  /** Set as soon as it is known; release finds everything by name if it never is. */
  anchor?: AnchorRef;
  /** From here on somebody else may start the Job at any time. */
  handedOver?: true;
}

export interface FencedEnd {
  /** How the Job ended, if it ended by itself; whoever read it: the body, or release just before the delete. */
  readonly ending?: Ending;
  /** What the body threw, if it gave no ending. */
  readonly error?: unknown;
  /** Whether a cancel had come when the body ended. One that comes later finds a task that has ended already. */
  readonly interrupted: boolean;
  readonly found: Extract<Released, { is: 'released' }>['found'];
}

interface Went {
  readonly ending?: Ending;
  readonly error?: unknown;
}

/** Runs the body; whatever comes of it, releases the run, and only then says how it went. */
export async function fenced(
  run: RunRef,
  body: (fence: Fence) => Promise<Ending>,
  beforeRelease: (settled: boolean) => void,
): Promise<FencedEnd> {
  const fence: Fence = { run };
  const went = await body(fence).then<Went, Went>(
    (ending) => ({ ending }),
    (error: unknown) => ({ error }),
  );
  const interrupted = CancellationScope.current().consideredCancelled;
  return CancellationScope.nonCancellable(async () => {
    let { ending } = went;
    beforeRelease(ending !== undefined);
    const { handedOver, ...known } = fence;
    let released = await release({ ...known, settled: ending !== undefined });
    if (released.is === 'unsettled') {
      ending = released.ending;
      released = await release({ ...known, settled: true });
    }
    let found = released.is === 'released' ? released.found : 'nothing';
    // What an attempt of release found that died before it could say so, the next does not find.
    if (found === 'nothing' && handedOver) found = 'started';
    return { ...(ending === undefined ? { error: went.error } : { ending }), interrupted, found };
  });
}
