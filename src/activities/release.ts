import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo, getClient } from '@temporalio/activity';
import type { AnchorRef, Ending, Released, RunRef } from '../contract.ts';
import { problem } from '../errors.ts';
import { runName } from '../fence.ts';
import { ContainerTimes } from '../kubernetes/container-times.ts';
import { latest } from '../kubernetes/diagnosis.ts';
import { storedPlan } from '../kubernetes/job.ts';
import { standingOf } from '../task-standing.ts';
import { ifCancelled } from './cancel-cost.ts';
import type { Deps } from './deps.ts';
import { resultOf } from './output.ts';
import { perform, type Performing } from './perform.ts';
import { endedByItself, releaseRun, storedRun } from './release-run.ts';
import { ATTEMPT_MS } from './remove-run.ts';
import { type NamedRun, readWorld } from './world.ts';

export interface ReleaseInput {
  /** The attempt that is released, under the run that asks. */
  readonly run: RunRef;
  /** If it is known that there is one; else everything of the attempt is found by its name. */
  readonly anchor?: AnchorRef;
  /** Whether the caller knows how the Job ended. If not, an ending that is found is told before it is deleted. */
  readonly settled: boolean;
}

/** Release: delete what the run made, by uid, and answer only when it is proved gone. */
export function release(deps: Deps, { run, anchor, settled }: ReleaseInput): Promise<Released> {
  const name = anchor?.name ?? runName(deps.temporalNamespaceId, run);
  const named = { taskId: run.taskId, runId: anchor?.run.runId ?? run.runId, name };
  return perform(
    (performing) => {
      const { attempt, scheduledTimestampMs } = activityInfo();
      if (attempt > 1) deps.metrics.releaseRetried();
      return deps.unreleased.during(name, scheduledTimestampMs, () =>
        settled ? releaseSettled(deps, named, performing) : releaseUnsettled(deps, named, performing),
      );
    },
    { retryEverything: true, whenForgotten: () => releaseIfForgotten(deps, named) },
  );
}

function releaseSettled(deps: Deps, run: NamedRun, { signal, show }: Performing): Promise<Released> {
  return releaseRun(deps, run, signal, { show });
}

async function releaseUnsettled(deps: Deps, run: NamedRun, { signal, show }: Performing): Promise<Released> {
  const ending = await unsettledEnding(deps, run, signal);
  if (ending !== undefined) {
    ifCancelled(deps, () => deps.metrics.cancelOutrun(ending.kind));
    return { is: 'unsettled', ending };
  }
  const containers = new ContainerTimes();
  const released = await releaseRun(deps, run, signal, { show, settled: false, containers });
  const answeredAt = Date.now();
  ifCancelled(deps, (requestedAt) =>
    deps.metrics.cancelProved({
      phase: released.found,
      // The one clock is Temporal's, the other ours.
      seconds: Math.max(0, answeredAt - requestedAt) / 1_000,
      wastedContainerSeconds: containers.secondsAfter(requestedAt),
    }),
  );
  return released;
}

/** How the Job ended by itself, if it did; its result is read as long as it is there. */
async function unsettledEnding(deps: Deps, run: NamedRun, signal: AbortSignal): Promise<Ending | undefined> {
  const world = await readWorld(deps, run, signal);
  const end = endedByItself(world);
  if (end === undefined) return undefined;
  if (end !== 'succeeded') return { kind: 'failed', problem: end };
  if (world.anchor !== undefined)
    return resultOf(deps, storedRun(deps, run), latest(world.pods), storedPlan(world.anchor));
  return {
    kind: 'failed',
    problem: problem('RESULT_UNREADABLE', 'The anchor was deleted before the result was read.'),
  };
}

/**
 * Terminate, timeouts and deletion run no workflow code. An attempt that Temporal has forgotten asks by task id: with
 * an open run of that id (a Reset) everything stays; with none, nobody is left to release the run but us.
 */
export async function releaseIfForgotten(deps: Deps, run: NamedRun): Promise<void> {
  const { taskId, name: jobName } = run;
  const standing = await standingOf(getClient(), taskId);
  if (standing === 'open' || standing === 'unknown') return;
  deps.log.info({ taskId, jobName, standing }, 'the task was ended from outside; releasing what it left');
  await deps.unreleased.during(jobName, Date.now(), () => releasePatiently(deps, run));
}

async function releasePatiently(deps: Deps, run: NamedRun): Promise<void> {
  const { taskId, name: jobName } = run;
  const signal = AbortSignal.timeout(ATTEMPT_MS);
  for (let pause = 500; !signal.aborted; pause = Math.min(pause * 2, 30_000)) {
    try {
      await releaseRun(deps, run, signal);
      return;
    } catch (error) {
      deps.log.warn({ taskId, jobName, error: String(error) }, 'release goes on');
      await sleep(pause, undefined, { signal });
      deps.metrics.releaseRetried();
    }
  }
}
