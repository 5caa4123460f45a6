/** Release as a worker does it: the loop, and what the run wrote is kept on the way. */
import type { CoreV1Event } from '@kubernetes/client-node';
import type { Problem, Released } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { isEnding, type RunWorld, taskLabel } from '../fence.ts';
import { hasBegun, statusesOf } from '../kubernetes/container-status.ts';
import type { ContainerTimes } from '../kubernetes/container-times.ts';
import { endOfRun, takenBack } from '../kubernetes/diagnosis.ts';
import type { Collection } from '../logs/collector.ts';
import type { LogLine, StoredRun } from '../logs/store.ts';
import type { Deps } from './deps.ts';
import { collect, drained } from './output.ts';
import { removeRun, type RemoveOptions } from './remove-run.ts';
import type { NamedRun } from './world.ts';

/** How long the last lines of killed containers may take to arrive. Milliseconds. */
const DRAIN_MS = 5_000;

interface ReleaseOptions extends RemoveOptions {
  readonly settled?: boolean;
  /** Told of the Pods at each look. */
  readonly containers?: ContainerTimes;
}

export async function releaseRun(
  deps: Deps,
  run: NamedRun,
  signal: AbortSignal,
  { settled = true, containers, before, ...options }: ReleaseOptions = {},
): Promise<Extract<Released, { is: 'released' }>> {
  const stored = storedRun(deps, run);
  const collections = new Map<string, readonly Collection[]>();
  const found = await removeRun(deps, run, signal, {
    ...options,
    glimpse: (pods) => containers?.look(pods, Date.now()),
    before: async (step, world) => {
      await before?.(step, world);
      containers?.look(world.pods, Date.now());
      for (const pod of world.pods) collections.set(pod.metadata?.uid ?? '', collect(deps, stored, pod));
      if (step.do !== 'delete job') return;
      // Their logs go with them.
      if (step.ended !== undefined) await drained([...collections.values()].flat(), DRAIN_MS);
      await keepEvents(deps, stored, world, signal);
      if (!settled && endedByItself(world) !== undefined)
        throw new HoldfastError('STILL_RELEASING', 'The Job ended by itself just now; its ending is read first.');
    },
  });
  await drained([...collections.values()].flat(), DRAIN_MS);
  deps.followed.released(run.name);
  return { is: 'released', found };
}

/**
 * What Kubernetes said, kept for tasks that were let go and never had any output of their own. For no others: the API
 * server has no index of events, and reads all of the namespace for each question.
 */
async function keepEvents(deps: Deps, run: StoredRun, world: RunWorld, signal: AbortSignal): Promise<void> {
  if (world.job?.spec?.suspend === true || world.pods.flatMap(statusesOf).some(hasBegun)) return;
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

function toLine(event: CoreV1Event): LogLine {
  const time = event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp;
  const { kind, name } = event.involvedObject;
  const text = `${event.type} ${event.reason} ${kind}/${name}: ${event.message ?? ''}`.replaceAll('\n', ' ');
  return { time: new Date(time ?? 0).toISOString(), text };
}

/** How the Job has ended, if nobody ended it. One that was suspended again may have ended just before. */
export function endedByItself({ job, pods }: RunWorld): Problem | 'succeeded' | undefined {
  if (job === undefined || isEnding(job) || takenBack(job, pods)) return undefined;
  return endOfRun(job, pods);
}

export function storedRun(deps: Deps, run: NamedRun): StoredRun {
  return { task: taskLabel(deps.temporalNamespaceId, run.taskId), run: run.name };
}
