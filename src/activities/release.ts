import { activityInfo } from '@temporalio/activity';
import type { AnchorRef, Ending, Released, RunRef } from '../contract.ts';
import { problem } from '../errors.ts';
import { runName, type RunWorld } from '../fence.ts';
import { ContainerTimes } from '../kubernetes/container-times.ts';
import { latest } from '../kubernetes/diagnosis.ts';
import { storedPlan } from '../kubernetes/job.ts';
import { ifCancelled } from './cancel-cost.ts';
import type { Deps } from './deps.ts';
import { releaseIfForgotten } from './forgotten.ts';
import { most, releaseOtherRuns } from './other-runs.ts';
import { kept, type Reading, readingOf, resultOf } from './output.ts';
import { Crowd } from './crowd.ts';
import { type Beating, perform, type Performing } from './perform.ts';
import { endedByItself, releaseRun, storedRun } from './release-run.ts';
import { type NamedRun, readBeforeDelete, readWorld, shownBeforeDelete } from './world.ts';

/** It waits for Pods, many at once when many are cancelled, and nothing is told to it: that it lives is all it has to say. */
const BEATING: Beating = { crowd: new Crowd(), pace: { perSecond: 8, shortestMs: 1_000, longestMs: 20_000 } };

export interface ReleaseInput {
  /** The attempt that is released, under the run that asks. */
  readonly run: RunRef;
  /** If it is known that there is one; else everything of the attempt is found by its name. */
  readonly anchor?: AnchorRef;
  /** Whether the caller knows how the Job ended. If not, an ending that is found is told before it is deleted. */
  readonly settled: boolean;
}

/** A run, and whether others of its task may have left something: provision has not seen to that. */
interface Releasing extends NamedRun {
  /** Who asks. */
  readonly run: RunRef;
  readonly mayHaveOthers: boolean;
}

/** Release: delete what the run made, by uid, and answer only when it is proved gone. */
export function release(deps: Deps, { run, anchor, settled }: ReleaseInput): Promise<Released> {
  const name = anchor?.name ?? runName(deps.temporalNamespaceId, run);
  const runId = anchor?.run.runId ?? run.runId;
  // No anchor: provision was cut short. Another run's: a Reset went on with it, and provisioned nothing.
  const mayHaveOthers = anchor?.run.runId !== run.runId;
  const releasing = { run, taskId: run.taskId, runId, name, limiter: anchor?.limiter, mayHaveOthers };
  return perform(
    (performing) => {
      const { attempt, scheduledTimestampMs } = activityInfo();
      if (attempt > 1) deps.metrics.releaseRetried();
      return deps.unreleased.during(name, scheduledTimestampMs, () =>
        settled
          ? releaseSettled(deps, releasing, anchor, performing)
          : releaseUnsettled(deps, releasing, anchor, performing),
      );
    },
    { retryEverything: true, beating: BEATING, whenForgotten: () => releaseIfForgotten(deps, releasing) },
  );
}

async function releaseSettled(
  deps: Deps,
  run: Releasing,
  anchor: AnchorRef | undefined,
  { signal, show }: Performing,
): Promise<Released> {
  return releaseTask(deps, run, signal, { show, first: anchor && shownBeforeDelete(deps, anchor), byUid: true });
}

/** Nobody is told of a task's end while a container of another run of it is there. */
async function releaseTask(
  deps: Deps,
  run: Releasing,
  signal: AbortSignal,
  options: Parameters<typeof releaseRun>[3],
): ReturnType<typeof releaseRun> {
  const released = await releaseRun(deps, run, signal, options);
  if (!run.mayHaveOthers) return released;
  return { ...released, found: most(released.found, await releaseOtherRuns(deps, run, signal)) };
}

async function releaseUnsettled(
  deps: Deps,
  run: Releasing,
  anchor: AnchorRef | undefined,
  { signal, show }: Performing,
): Promise<Released> {
  const world = await (anchor ? readBeforeDelete(deps, run, anchor, signal) : readWorld(deps, run, signal));
  const ending = await unsettledEnding(deps, run, world, anchor && readingOf(anchor));
  if (ending !== undefined) {
    ifCancelled(deps, () => deps.metrics.cancelOutrun(ending.kind));
    return { is: 'unsettled', ending };
  }
  const containers = new ContainerTimes();
  const released = await releaseTask(deps, run, signal, { show, settled: false, containers, first: world });
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

/** How long a release waits for output that cannot be read, of a task that ended by itself. Milliseconds. */
const PATIENCE_MS = 2 * 60_000;

function isPatient(): boolean {
  return Date.now() - activityInfo().scheduledTimestampMs < PATIENCE_MS;
}

/** How the Job ended by itself, if it did; its result is read as long as it is there. */
async function unsettledEnding(
  deps: Deps,
  run: NamedRun,
  world: RunWorld,
  known: Reading | undefined,
): Promise<Ending | undefined> {
  const end = endedByItself(world);
  if (end === undefined) return undefined;
  const [stored, pod] = [storedRun(deps, run), latest(world.pods)];
  if (end !== 'succeeded') {
    await kept(deps, stored, pod);
    return { kind: 'failed', problem: end };
  }
  const reading = known ?? (world.anchor && storedPlan(world.anchor));
  if (reading !== undefined) return resultOf(deps, stored, pod, reading, isPatient());
  return {
    kind: 'failed',
    problem: problem('RESULT_UNREADABLE', 'The anchor was deleted before the result was read.'),
  };
}
