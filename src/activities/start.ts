import type { V1Job } from '@kubernetes/client-node';
import { HoldfastError } from '../errors.ts';
import type { AnchorRef, JobRef } from '../contract.ts';
import { conditionOf, nextStartStep } from '../fence.ts';
import { isApiError } from '../kubernetes/api-error.ts';
import { arming, starting } from '../kubernetes/job.ts';
import { both } from './both.ts';
import type { Deps } from './deps.ts';
import { perform } from './perform.ts';
import { releaseIfForgotten } from './forgotten.ts';

/**
 * Dispatch: the only request that lets a Job make Pods, or lets Kueue do so; and beside it the one that lets these mount the
 * anchor. Whichever lands first, no container begins without both.
 */
export function start(deps: Deps, held: AnchorRef, job: JobRef): Promise<void> {
  const whenForgotten = () => releaseIfForgotten(deps, { ...held.run, name: held.name });
  return perform(
    async ({ signal }) => {
      await both(arm(deps, held, signal), letGo(deps, held, job, signal));
    },
    { whenForgotten },
  );
}

/**
 * Writes the key that Pods mount into the anchor with the uid that history knows, and into no other. One that is ending and
 * yet there is no reason to begin anew: a container may have begun with it.
 */
async function arm(deps: Deps, held: AnchorRef, signal: AbortSignal): Promise<void> {
  const armed = await deps.api.patchAnchor(held.name, arming(held), signal);
  if (armed === undefined)
    throw new HoldfastError('ANCHOR_LOST', `The anchor ${held.name} was deleted before the Job was started.`);
}

/** A compare-and-set on what was read, or seen in the watch, so that it loses against a delete, however late it lands. */
async function letGo(deps: Deps, held: AnchorRef, job: JobRef, signal: AbortSignal): Promise<void> {
  const read = () => deps.api.readJob(job.name, signal);
  const shown = deps.watch.see(job.name).job;
  const isLikely = isNoted(shown) && nextStartStep(shown, job, held.queue).do === 'patch';
  for (let found = isLikely ? shown : await read(); ; found = await read()) {
    const step = nextStartStep(found, job, held.queue);
    if (step.do === 'nothing') return;
    if (step.do === 'give up')
      throw new HoldfastError('ANCHOR_LOST', `The Job ${job.name} was deleted before it was started.`);
    try {
      await deps.api.startJob(job.name, starting(step, held.queue), signal);
      return;
    } catch (error) {
      // Conflict: the Job controller wrote its status meanwhile. Absent: deleted meanwhile. The next read tells.
      if (!isApiError(error, 'conflict') && !isApiError(error, 'absent')) throw error;
    }
  }
}

/** The Job controller has noted that it is suspended, and writes no more to it: what the watch shows is likely to stand. */
function isNoted(job: V1Job | undefined): job is V1Job {
  return conditionOf(job, 'Suspended') !== undefined;
}
