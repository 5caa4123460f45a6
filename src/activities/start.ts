import { HoldfastError } from '../errors.ts';
import type { AnchorRef, JobRef } from '../contract.ts';
import { isEnding, nextStartStep } from '../fence.ts';
import { isApiError } from '../kubernetes/api-error.ts';
import { arming, starting } from '../kubernetes/job.ts';
import type { Deps } from './deps.ts';
import { perform } from './perform.ts';
import { releaseIfForgotten } from './release.ts';

/**
 * Dispatch: arm the anchor, then send the only request that lets a Job make Pods, or lets Kueue do so. A compare-and-set on
 * our own read, so that it loses against a delete, however late it lands.
 */
export function start(deps: Deps, held: AnchorRef, job: JobRef): Promise<void> {
  const whenForgotten = () => releaseIfForgotten(deps, { ...held.run, name: held.name });
  return perform(
    async ({ signal }) => {
      const [armed, read] = await Promise.all([
        deps.api.patchAnchor(held.name, arming(held), signal),
        deps.api.readJob(job.name, signal),
      ]);
      if (armed === undefined || isEnding(armed))
        throw new HoldfastError('ANCHOR_LOST', `The anchor ${held.name} was deleted before the Job was started.`);
      for (let found = read; ; found = await deps.api.readJob(job.name, signal)) {
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
    },
    { whenForgotten },
  );
}
