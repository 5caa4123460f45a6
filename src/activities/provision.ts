import type { V1ConfigMap } from '@kubernetes/client-node';
import type { AnchorRef, Provisioned, RunRef, Task } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { ANNOTATION, isOfTask, runName, standingAnchor, taskLabel } from '../fence.ts';
import { isApiError } from '../kubernetes/api-error.ts';
import { anchorManifest, storedPlan } from '../kubernetes/job.ts';
import { checkTask } from '../schemas.ts';
import { settle } from '../settings.ts';
import { workloads } from '../workloads/index.ts';
import type { Workload } from '../workloads/workload.ts';
import { both } from './both.ts';
import type { Deps } from './deps.ts';
import { type Found, releaseOtherRuns } from './other-runs.ts';
import { nonceOf } from './output.ts';
import { perform } from './perform.ts';
import { releaseIfForgotten } from './forgotten.ts';
import { reserveJob } from './reserve.ts';

/**
 * Provision: check the task, plan it, create the one object that will own everything of the run, with the plan and the
 * inputs in it, and the Job, suspended. Called again, by a retry or a zombie, it finds its own and answers the same.
 */
export function provision(deps: Deps, run: RunRef, input: Task): Promise<Provisioned> {
  const name = runName(deps.temporalNamespaceId, run);
  const whenForgotten = () => releaseIfForgotten(deps, { ...run, name });
  return perform(
    async ({ signal }) => {
      const task = checkTask(input);
      // What is made runs nothing: start lets it, when the history says that nothing of an earlier run is left.
      const cleared = releaseOtherRuns(deps, { run, name }, signal);
      const [provisioned] = await both(make(deps, run, task, cleared, signal), cleared);
      return provisioned;
    },
    { whenForgotten },
  );
}

async function make(
  deps: Deps,
  run: RunRef,
  task: Task,
  cleared: Promise<Found>,
  signal: AbortSignal,
): Promise<Provisioned> {
  const found = await anchored(deps, run, task, signal);
  const anchor = refOf(deps, run, task, found);
  const stored = { task: taskLabel(deps.temporalNamespaceId, run.taskId), run: anchor.name };
  const about = { taskId: run.taskId, runId: run.runId, at: new Date().toISOString() };
  const introduced = deps.logs.introduce(stored, about);
  // A Job is a slot to the limiter: it comes when the run is let in.
  if (anchor.limiter !== undefined) {
    await introduced;
    return { anchor };
  }
  const reserve = () => reserveJob(deps, anchor, storedPlan(found), signal);
  const reserving = reserve().catch(async (error: unknown) => {
    // There may be room for only one of them.
    if ((await cleared) === 'nothing') throw error;
    return reserve();
  });
  const [job] = await both(reserving, introduced);
  return { anchor, job };
}

async function anchored(deps: Deps, run: RunRef, task: Task, signal: AbortSignal): Promise<V1ConfigMap> {
  const { temporalNamespaceId, pythonImage } = deps;
  const nonce = nonceOf(run);
  const workload: Workload = workloads[task.workload];
  const plan = workload.plan(task, { pythonImage, nonce });
  const settings = settle(task);
  const { manifest, specHash } = anchorManifest(
    temporalNamespaceId,
    run,
    task.workload,
    settings,
    plan,
    nonce,
    waitsOf(deps),
  );
  return createOrMeet(deps, run, manifest, specHash, signal);
}

/** As the anchor says it: another worker, with other limits or another queue, may have made it. */
function refOf(deps: Deps, run: RunRef, task: Task, { metadata = {} }: V1ConfigMap): AnchorRef {
  const { [ANNOTATION.limiter]: limiter, [ANNOTATION.queue]: queue } = metadata.annotations ?? {};
  return {
    run,
    namespace: deps.api.namespace,
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    workload: task.workload,
    timeoutSeconds: settle(task).timeoutSeconds,
    ...(limiter !== undefined && { limiter }),
    ...(queue !== undefined && { queue }),
  };
}

/** What this worker would have the run wait for. */
function waitsOf({ limits, queue }: Deps): Pick<AnchorRef, 'limiter' | 'queue'> {
  return { ...(limits && { limiter: limits.limiter }), ...(queue !== undefined && { queue }) };
}

async function createOrMeet(
  deps: Deps,
  { taskId }: RunRef,
  manifest: V1ConfigMap,
  specHash: string,
  signal: AbortSignal,
): Promise<V1ConfigMap> {
  const name = manifest.metadata?.name ?? '';
  try {
    return await deps.api.createAnchor(manifest, signal);
  } catch (error) {
    if (!isApiError(error, 'conflict') && !isApiError(error, 'unclear')) throw error;
    const found = await deps.api.readAnchor(name, signal);
    switch (standingAnchor(found, specHash)) {
      case 'ours':
        return found ?? manifest;
      case 'absent':
        throw error;
      case 'ending':
        throw new HoldfastError('ANCHOR_LOST', `The anchor ${name} is being deleted while its task is provisioned.`);
      case 'foreign':
        if (isOfTask(found, name, taskLabel(deps.temporalNamespaceId, taskId)))
          throw new HoldfastError('ANCHOR_LOST', `The anchor ${name} was made by a worker with another configuration.`);
        throw new HoldfastError(
          'JOB_CONFLICT',
          `A ConfigMap ${name} that is not of this task stands where its anchor would.`,
        );
    }
  }
}
