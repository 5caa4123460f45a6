import { activityInfo } from '@temporalio/activity';
import type { V1Job } from '@kubernetes/client-node';
import type { AnchorRef, JobRef } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { ANNOTATION, isEnding, isOfTask, standingJob, taskLabel } from '../fence.ts';
import { isApiError } from '../kubernetes/api-error.ts';
import { jobManifest, type StoredPlan, storedPlan } from '../kubernetes/job.ts';
import type { Deps } from './deps.ts';
import { perform } from './perform.ts';
import { releaseIfForgotten } from './forgotten.ts';

/** For who had to be let in first: create the Job of a run whose anchor stands. */
export function reserve(deps: Deps, anchor: AnchorRef): Promise<JobRef> {
  const whenForgotten = () => releaseIfForgotten(deps, { ...anchor.run, name: anchor.name });
  return perform(
    async ({ signal }) => {
      const found = await deps.api.readAnchor(anchor.name, signal);
      if (found === undefined || found.metadata?.uid !== anchor.uid || isEnding(found))
        throw new HoldfastError('ANCHOR_LOST', `The anchor ${anchor.name} was deleted before the Job was created.`);
      return reserveJob(deps, anchor, storedPlan(found), signal);
    },
    { whenForgotten },
  );
}

/**
 * Creates the Job, suspended, owned by the anchor. However often and however late this runs, there is one Job of this name,
 * and it makes no Pods.
 */
export async function reserveJob(
  deps: Deps,
  anchor: AnchorRef,
  plan: StoredPlan,
  signal: AbortSignal,
): Promise<JobRef> {
  const manifest = jobManifest(deps.temporalNamespaceId, anchor, plan);
  // A first attempt creates; a later one does not know what the earlier did: it reads before it writes.
  const standing = activityInfo().attempt > 1 ? await meet(deps, manifest, anchor, signal) : undefined;
  return standing ?? (await create(deps, manifest, anchor, signal));
}

async function create(deps: Deps, manifest: V1Job, anchor: AnchorRef, signal: AbortSignal): Promise<JobRef> {
  try {
    return refOf(deps, await deps.api.createJob(manifest, signal));
  } catch (error) {
    if (!isApiError(error, 'conflict') && !isApiError(error, 'unclear')) throw error;
    const found = await meet(deps, manifest, anchor, signal);
    if (found === undefined) throw error;
    return found;
  }
}

/** The Job that stands under our name, if it is ours. */
async function meet(deps: Deps, manifest: V1Job, anchor: AnchorRef, signal: AbortSignal): Promise<JobRef | undefined> {
  const name = manifest.metadata?.name ?? '';
  const found = await deps.api.readJob(name, signal);
  switch (standingJob(found, anchor, manifest.metadata?.annotations?.[ANNOTATION.specHash] ?? '')) {
    case 'absent':
      return undefined;
    case 'ours':
      return found && refOf(deps, found);
    case 'ending':
      throw new HoldfastError('ANCHOR_LOST', `The Job ${name} is being deleted before it was started.`);
    case 'foreign':
      if (isOfTask(found, name, taskLabel(deps.temporalNamespaceId, anchor.run.taskId)))
        throw new HoldfastError('ANCHOR_LOST', `The Job ${name} is of an anchor that was deleted.`);
      throw new HoldfastError(
        'JOB_CONFLICT',
        `A Job ${name} stands there already, with another owner or another spec than this task's.`,
        { job: name },
      );
  }
}

function refOf(deps: Deps, job: V1Job): JobRef {
  return { namespace: deps.api.namespace, name: job.metadata?.name ?? '', uid: job.metadata?.uid ?? '' };
}
