/** What a cluster might answer to a task, for a workflow that plays without one. */
import type { AnchorRef, Ending, JobRef, Provisioned, Released, RunRef } from '../../src/contract.ts';

export const SUCCEEDED: Ending = { kind: 'succeeded', output: { exitCode: 0 } };
export const RELEASED: Released = { is: 'released', found: 'started' };

export function anchorOf(run: RunRef, timeoutSeconds = 3_600): AnchorRef {
  const name = `hf-${run.attempt}`;
  return { run, namespace: 'ns', name, uid: `anchor-${run.attempt}`, workload: 'command', timeoutSeconds };
}

export function jobOf(held: AnchorRef): JobRef {
  return { namespace: 'ns', name: held.name, uid: `job-${held.run.attempt}` };
}

/** With a Job, as where nobody has to be let in. */
export function provisionedOf(anchor: AnchorRef): Provisioned {
  return { anchor, job: jobOf(anchor) };
}
