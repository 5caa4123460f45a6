import { activityInfo, getClient, log } from '@temporalio/activity';
import type { CoreV1Event } from '@kubernetes/client-node';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnchorRef, Ending, Problem, Released, RunRef } from '../contract.ts';
import { HoldfastError, problem } from '../errors.ts';
import { isEnding, nextReleaseStep, type RunWorld, runName, taskLabel } from '../fence.ts';
import { isApiError } from '../kubernetes/api-error.ts';
import { endOfRun, latest } from '../kubernetes/diagnosis.ts';
import { storedPlan } from '../kubernetes/job.ts';
import type { LogLine, StoredRun } from '../logs/store.ts';
import type { Deps } from './deps.ts';
import { collect, resultOf } from './output.ts';
import { perform, type Performing } from './perform.ts';
import { type NamedRun, readWorld } from './world.ts';

export interface ReleaseInput {
  /** The attempt that is released, under the run that asks. */
  readonly run: RunRef;
  /** If it is known that there is one; else everything of the attempt is found by its name. */
  readonly anchor?: AnchorRef;
  /** Whether the caller knows how the Job ended. If not, an ending that is found is told before it is deleted. */
  readonly settled: boolean;
}

/** Longest wait between two looks. Milliseconds. */
const LOOK_MS = 2_000;
/** An attempt of the activity says what it waits for and lets the next one go on. Milliseconds. */
const ATTEMPT_MS = 4 * 60_000;
/** How long the last lines of killed containers may take to arrive. Milliseconds. */
const DRAIN_MS = 5_000;

/** Release: delete what the run made, by uid, and answer only when it is proved gone. */
export function release(deps: Deps, { run, anchor, settled }: ReleaseInput): Promise<Released> {
  const name = anchor?.name ?? runName(deps.temporalNamespace, run);
  const named = { taskId: run.taskId, runId: anchor?.run.runId ?? run.runId, name };
  return perform(
    async ({ signal, show }) => {
      const ending = settled ? undefined : await unsettledEnding(deps, named, signal);
      if (ending !== undefined) return { is: 'unsettled', ending };
      return releaseRun(deps, named, signal, { show, settled });
    },
    { retryEverything: true },
  );
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

function endedByItself({ job, pods }: RunWorld): Problem | 'succeeded' | undefined {
  if (job === undefined || isEnding(job) || job.spec?.suspend === true) return undefined;
  return endOfRun(job, pods);
}

interface ReleaseOptions extends Partial<Pick<Performing, 'show'>> {
  readonly settled?: boolean;
}

/** The loop: read, ask the fence, do the one thing, until it says released. */
export async function releaseRun(
  deps: Deps,
  run: NamedRun,
  signal: AbortSignal,
  { show, settled = true }: ReleaseOptions = {},
): Promise<Released> {
  const since = Date.now();
  const stored = storedRun(deps, run);
  const collections = new Map<string, Promise<void>>();
  let found: 'nothing' | 'suspended' | 'started' = 'nothing';
  for (let pause = 50; ;) {
    const changed = deps.watch.changed(run.name, pause, signal);
    const world = await readWorld(deps, run, signal);
    found = worse(found, world);
    for (const pod of world.pods) collections.set(pod.metadata?.uid ?? '', collect(deps, stored, pod));
    const step = nextReleaseStep(world);
    if (step.do === 'say released') break;
    if (step.do !== 'wait') {
      if (step.do === 'delete job') await keepEvents(deps, stored, world, signal);
      if (step.do === 'delete job' && !settled && endedByItself(world) !== undefined)
        throw new HoldfastError('STILL_RELEASING', 'The Job ended by itself just now; its ending is read first.');
      await act(deps, run, step, signal);
      continue;
    }
    show?.({ waitingFor: step.for });
    if (Date.now() - since > ATTEMPT_MS)
      throw new HoldfastError('STILL_RELEASING', `Waiting for ${step.for} to be gone.`);
    await changed;
    signal.throwIfAborted();
    pause = Math.min(pause * 2, LOOK_MS);
  }
  await Promise.race([Promise.all(collections.values()), sleep(DRAIN_MS, undefined, { ref: false })]);
  return { is: 'released', found };
}

async function act(
  deps: Deps,
  run: NamedRun,
  step: Exclude<ReturnType<typeof nextReleaseStep>, { do: 'wait' } | { do: 'say released' }>,
  signal: AbortSignal,
): Promise<void> {
  try {
    switch (step.do) {
      case 'delete job':
        return await deps.api.deleteJob(run.name, step, signal);
      case 'delete anchor':
        return await deps.api.deleteAnchor(run.name, step.uid, signal);
      case 'delete pod':
        return await deps.api.deletePod(step.name, step.uid, signal);
    }
  } catch (error) {
    // Somebody wrote since our read: read again, decide again.
    if (!isApiError(error, 'conflict')) throw error;
  }
}

function worse(
  found: 'nothing' | 'suspended' | 'started',
  { job, pods }: RunWorld,
): 'nothing' | 'suspended' | 'started' {
  if (found === 'started' || pods.length > 0 || (job !== undefined && job.spec?.suspend !== true)) return 'started';
  return job === undefined ? found : 'suspended';
}

/** What Kubernetes said, kept for tasks that never had any output of their own. */
async function keepEvents(deps: Deps, run: StoredRun, world: RunWorld, signal: AbortSignal): Promise<void> {
  const uids = [world.job, ...world.pods].flatMap((object) => object?.metadata?.uid ?? []);
  try {
    const events = (await Promise.all(uids.map((uid) => deps.api.eventsOf(uid, signal)))).flat();
    await deps.logs.writeEvents(
      run,
      events.map(toLine).toSorted((a, b) => (a.time < b.time ? -1 : 1)),
    );
  } catch (error) {
    signal.throwIfAborted();
    log.warn('events were not kept', { jobName: run.run, error: String(error) });
  }
}

function toLine(event: CoreV1Event): LogLine {
  const time = event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp;
  const { kind, name } = event.involvedObject;
  const text = `${event.type} ${event.reason} ${kind}/${name}: ${event.message ?? ''}`.replaceAll('\n', ' ');
  return { time: new Date(time ?? 0).toISOString(), text };
}

/**
 * Terminate, timeouts and deletion run no workflow code. An attempt that Temporal has forgotten asks by task id: with
 * an open run of that id (a Reset) everything stays; with none, nobody is left to release the run but us.
 */
export async function releaseIfForgotten(deps: Deps, run: NamedRun): Promise<void> {
  const client = getClient();
  const { taskId } = run;
  const description = await client.workflow
    .getHandle(taskId)
    .describe()
    .catch((error: unknown) => {
      if (error instanceof Error && error.name === 'WorkflowNotFoundError') return undefined;
      throw error;
    });
  if (description?.status.name === 'RUNNING') return;
  log.info('the task was ended from outside; releasing what it left', { taskId, jobName: run.name });
  const signal = AbortSignal.timeout(ATTEMPT_MS);
  for (let pause = 500; !signal.aborted; pause = Math.min(pause * 2, 30_000)) {
    try {
      await releaseRun(deps, run, signal);
      return;
    } catch (error) {
      log.warn('release goes on', { taskId, jobName: run.name, attempt: activityInfo().attempt, error: String(error) });
      await sleep(pause, undefined, { signal });
    }
  }
}

function storedRun(deps: Deps, run: NamedRun): StoredRun {
  return { task: taskLabel(deps.temporalNamespace, run.taskId), run: run.name };
}
