import type { AnchorRef, JobRef, RunRef, Task } from '../contract.ts';
import type { Wish } from '../limits/contract.ts';
import { admit } from './admit.ts';
import type { Deps } from './deps.ts';
import { follow } from './follow.ts';
import { inOwnNamespace } from './own-namespace.ts';
import { provision } from './provision.ts';
import { queue } from './queue.ts';
import { release, type ReleaseInput } from './release.ts';
import { reserve } from './reserve.ts';
import { start } from './start.ts';

/** The verbs of a task's life; one file each. */
export function createActivities(deps: Deps) {
  return {
    provision: (run: RunRef, task: Task) => provision(deps, run, task),
    admit: (held: AnchorRef, wish: Wish) => inOwnNamespace(deps, held, () => admit(deps, held, wish)),
    reserve: (held: AnchorRef) => inOwnNamespace(deps, held, () => reserve(deps, held)),
    start: (held: AnchorRef, job: JobRef) => inOwnNamespace(deps, held, () => start(deps, held, job)),
    queue: (held: AnchorRef, job: JobRef) => inOwnNamespace(deps, held, () => queue(deps, held, job)),
    follow: (held: AnchorRef, job: JobRef) => inOwnNamespace(deps, held, () => follow(deps, held, job)),
    release: (input: ReleaseInput) => inOwnNamespace(deps, input.anchor, () => release(deps, input)),
  };
}

export type Activities = ReturnType<typeof createActivities>;
