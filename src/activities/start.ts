import { HoldfastError } from '../errors.ts';
import type { AnchorRef, JobRef } from '../contract.ts';
import { nextStartStep } from '../fence.ts';
import { isApiError } from '../kubernetes/api-error.ts';
import { starting } from '../kubernetes/job.ts';
import type { Deps } from './deps.ts';
import { perform } from './perform.ts';
import { releaseIfForgotten } from './release.ts';

/**
 * Dispatch, second half: the only request that lets a Job make Pods, or lets Kueue do so. A compare-and-set on our own
 * read, so that it loses against a delete, however late it lands.
 */
export function start(deps: Deps, held: AnchorRef, job: JobRef): Promise<void> {
  const whenForgotten = () => releaseIfForgotten(deps, { ...held.run, name: held.name });
  return perform(
    async ({ signal }) => {
      for (;;) {
        const step = nextStartStep(await deps.api.readJob(job.name, signal), job, held.queue);
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
