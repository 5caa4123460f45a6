/**
 * Kueue, as far as it can do harm: it un-suspends what carries its label, and its request lands when it likes, once the Job
 * runs, is being deleted or is gone. Preemption is not modelled: to our objects it is a retry.
 */
import type { Emit } from '../explore.ts';
import { send } from '../world.ts';
import type { Result, Variant } from './holdfast-attempts.ts';
import type { Holdfast, W } from './holdfast-state.ts';

export function kueueSteps(world: W, variant: Variant, emit: Emit<W>): void {
  const { local, cluster, left } = world;
  for (const job of cluster.jobs) {
    if (!job.queued || job.foreign) continue;
    if (job.suspended && left.kueue > 0) {
      // Its client names the resourceVersion that it read, and so this very object; no more than that is relied on.
      const uid = variant.kueueByName ? 0 : job.uid;
      const sent = send(world, 0, { verb: 'start job', name: job.name, uid, version: 0 });
      emit('Kueue sends "un-suspend the Job"', { ...sent, left: { ...left, kueue: left.kueue - 1 } });
    }
    if (local.phase === 'run' && !local.started && job.uid === local.job && !job.suspended)
      emit('The workflow sees that Kueue has started the Job', { ...world, local: { ...local, started: true } });
  }
}

/** What an attempt of release found that died before it could say so, the next does not find. */
export function mayHaveStarted(
  { handedOver }: Holdfast,
  result: Extract<Result, { is: 'done' }>,
  variant: Variant,
): boolean {
  return handedOver && result.neverStarted !== true && !variant.foundNothingTrusted;
}
