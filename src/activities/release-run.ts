/** The loop under release: read, ask the fence, do the one thing, until it says released. */
import type { CoreV1Event, V1Pod } from '@kubernetes/client-node';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Problem, Released } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { isEnding, nextReleaseStep, type RunWorld, taskLabel } from '../fence.ts';
import { isApiError } from '../kubernetes/api-error.ts';
import type { ContainerTimes } from '../kubernetes/container-times.ts';
import { endOfRun } from '../kubernetes/diagnosis.ts';
import type { LogLine, StoredRun } from '../logs/store.ts';
import type { Deps } from './deps.ts';
import { collect } from './output.ts';
import type { Performing } from './perform.ts';
import { type NamedRun, readWorld } from './world.ts';

/** Longest wait between two looks. Milliseconds. */
const LOOK_MS = 2_000;
/** An attempt says what it waits for and lets the next one go on. Milliseconds. */
export const ATTEMPT_MS = 4 * 60_000;
/** How long the last lines of killed containers may take to arrive. Milliseconds. */
const DRAIN_MS = 5_000;

interface ReleaseOptions extends Partial<Pick<Performing, 'show'>> {
  readonly settled?: boolean;
  /** Told of the Pods at each look. */
  readonly containers?: ContainerTimes;
}

export async function releaseRun(
  deps: Deps,
  run: NamedRun,
  signal: AbortSignal,
  { show, settled = true, containers }: ReleaseOptions = {},
): Promise<Extract<Released, { is: 'released' }>> {
  const since = Date.now();
  const stored = storedRun(deps, run);
  const collections = new Map<string, Promise<void>>();
  let found: 'nothing' | 'suspended' | 'started' = 'nothing';
  for (let pause = 50; ;) {
    const changed = deps.watch.changed(run.name, pause, signal);
    const world = await readWorld(deps, run, signal);
    found = worse(found, world);
    containers?.look(world.pods, Date.now());
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

/**
 * What Kubernetes said, kept for tasks that were let go and never had any output of their own. For no others: the API
 * server has no index of events, and reads all of the namespace for each question.
 */
async function keepEvents(deps: Deps, run: StoredRun, world: RunWorld, signal: AbortSignal): Promise<void> {
  if (world.job?.spec?.suspend === true || world.pods.some(hasBegun)) return;
  const uids = [world.job, ...world.pods].flatMap((object) => object?.metadata?.uid ?? []);
  try {
    const events = (await Promise.all(uids.map((uid) => deps.api.eventsOf(uid, signal)))).flat();
    await deps.logs.writeEvents(
      run,
      events.map(toLine).toSorted((a, b) => (a.time < b.time ? -1 : 1)),
    );
  } catch (error) {
    signal.throwIfAborted();
    deps.log.warn({ jobName: run.run, error: String(error) }, 'events were not kept');
  }
}

function hasBegun({ status }: V1Pod): boolean {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return containers.some(({ state }) => state?.running !== undefined || state?.terminated !== undefined);
}

function toLine(event: CoreV1Event): LogLine {
  const time = event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp;
  const { kind, name } = event.involvedObject;
  const text = `${event.type} ${event.reason} ${kind}/${name}: ${event.message ?? ''}`.replaceAll('\n', ' ');
  return { time: new Date(time ?? 0).toISOString(), text };
}

/** How the Job has ended, if nobody ended it. */
export function endedByItself({ job, pods }: RunWorld): Problem | 'succeeded' | undefined {
  if (job === undefined || isEnding(job) || job.spec?.suspend === true) return undefined;
  return endOfRun(job, pods);
}

export function storedRun(deps: Deps, run: NamedRun): StoredRun {
  return { task: taskLabel(deps.temporalNamespaceId, run.taskId), run: run.name };
}
