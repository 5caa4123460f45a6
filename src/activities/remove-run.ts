/** The loop under every release: read, ask the fence, do the one thing, until it says released. */
import type { KubernetesObject, V1Pod } from '@kubernetes/client-node';
import type { Released } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import {
  ANNOTATION,
  isEnding,
  isOwnedBy,
  nextReleaseStep,
  nextTidyStep,
  type ReleaseStep,
  type RunWorld,
  wasLetGo,
} from '../fence.ts';
import { isApiError } from '../kubernetes/api-error.ts';
import { Crowd, type Pace } from './crowd.ts';
import type { Deps } from './deps.ts';
import { type NamedRun, readWorld } from './world.ts';

/** Releases of this process that wait for something to be gone. */
export const WAITING = new Crowd();
/** Looks without a word of the watch: it is a cache, and may have stopped. Each is three requests. */
const LOOKS: Pace = { perSecond: 10, shortestMs: 2_000, longestMs: 30_000 };
/** How long Pods that have ended are waited for: somebody else's finalizer may keep them, and no container of them runs. Milliseconds. */
const TIDY_MS = 30_000;
/** An attempt says what it waits for and lets the next one go on. Milliseconds. */
export const ATTEMPT_MS = 4 * 60_000;
/** Nearly all that a worker has room for: where so many are stuck, on nodes that are lost, others need their turn sooner. */
const CROWDED = { from: 900, attemptMs: 60_000 } as const;

export type RemoveDeps = Pick<Deps, 'api' | 'watch' | 'temporalNamespaceId' | 'tellFreed'>;

export interface RemoveOptions {
  /** Told after each look what is done next, before it is done; what it throws ends the loop. */
  readonly before?: (step: ReleaseStep, world: RunWorld) => Promise<void> | void;
  /** What is waited for, for those who watch. */
  readonly show?: ((details: unknown) => void) | undefined;
  /** What was read a moment ago, for the first look. */
  readonly first?: RunWorld | undefined;
  /** Told what the watch shows while nothing is done but wait. */
  readonly glimpse?: (pods: readonly V1Pod[]) => void;
  /** If given, an anchor or a Job with another uid than these is left alone, and so are its Pods. */
  readonly only?: ReadonlySet<string>;
  /** How the Job ended is known: it may be deleted whatever has been written to it since it was seen. */
  readonly byUid?: boolean;
}

export async function removeRun(
  deps: RemoveDeps,
  run: NamedRun,
  signal: AbortSignal,
  { first, show, glimpse, only, ...how }: RemoveOptions = {},
): Promise<Extract<Released, { is: 'released' }>['found']> {
  const since = Date.now();
  let found: 'nothing' | 'suspended' | 'started' = 'nothing';
  let pause = 50;
  let { limiter } = run;
  for (let read = first; ; read = undefined) {
    const changed = deps.watch.changed(run.name, pause, signal);
    const world = limited(read ?? (await readWorld(deps, run, signal)), only);
    limiter ??= limiterIn(world);
    const next = Date.now() - since < TIDY_MS ? nextTidyStep : nextReleaseStep;
    const { step, left } = await actOn(deps, run, world, signal, { ...how, next });
    found = worse(worse(found, world), left);
    // Of what was read, that is: what ought to be left after our deletes proves nothing.
    if (step.do === 'say released' && left === world) {
      if (limiter !== undefined) await deps.tellFreed(limiter, run.name);
      return found;
    }
    const waitingFor = waitedFor(step, left);
    if (waitingFor === undefined) continue;
    show?.({ waitingFor });
    if (Date.now() - since > (WAITING.size < CROWDED.from ? ATTEMPT_MS : CROWDED.attemptMs))
      throw new HoldfastError('STILL_RELEASING', `Waiting for ${waitingFor} to be gone.`);
    const leave = WAITING.enter();
    await worthALook(deps, run, changed, signal, glimpse).finally(leave);
    pause = Math.min(pause * 2, LOOKS.shortestMs);
  }
}

/**
 * Does what is to be done in this world; gives the last step, which was not done if it is to wait, or to say released, and
 * the world in which it was the next.
 */
async function actOn(
  deps: RemoveDeps,
  run: NamedRun,
  world: RunWorld,
  signal: AbortSignal,
  how: Pick<RemoveOptions, 'before' | 'byUid'> & { readonly next: (world: RunWorld) => ReleaseStep },
): Promise<{ step: ReleaseStep; left: RunWorld }> {
  const step = how.next(world);
  await how.before?.(step, world);
  if (step.do === 'wait' || step.do === 'say released') return { step, left: world };
  const isDone = await act(deps, run, step, signal, how.byUid === true);
  if (!isDone || step.do !== 'delete job') return { step, left: world };
  return actOn(deps, run, afterDelete(step, world), signal, how);
}

/** A Job that was deleted as it was read is ending, or gone: what comes next is the same, and needs no other read. */
function afterDelete({ propagation, ended }: Extract<ReleaseStep, { do: 'delete job' }>, world: RunWorld): RunWorld {
  return {
    ...world,
    job: propagation === 'Background' ? undefined : world.job && deleted(world.job),
    pods: ended === undefined ? world.pods : world.pods.map(deleted),
  };
}

function deleted<T extends KubernetesObject>(object: T): T {
  return { ...object, metadata: { ...object.metadata, deletionTimestamp: new Date() } };
}

/** An anchor is gone once it is deleted; what else there was takes its time, and is read again when the watch shows it gone. */
function waitedFor(step: ReleaseStep, world: RunWorld): string | undefined {
  const next = step.do === 'delete anchor' ? nextTidyStep({ ...world, anchor: undefined }) : step;
  return next.do === 'wait' ? next.for : undefined;
}

/**
 * Until the watch shows neither the Job nor a Pod, or the longest wait is over. What it shows only says when to look: the
 * proof is a read.
 */
async function worthALook(
  { watch }: RemoveDeps,
  { name }: NamedRun,
  changed: Promise<void>,
  signal: AbortSignal,
  glimpse: RemoveOptions['glimpse'],
): Promise<void> {
  const since = Date.now();
  // The crowd may have grown since: who came first does not look more often than the others.
  const left = () => since + WAITING.every(LOOKS) - Date.now();
  for (let next = changed; ; next = watch.changed(name, left(), signal)) {
    await next;
    signal.throwIfAborted();
    const { job, pods } = watch.see(name);
    glimpse?.(pods);
    if (left() <= 0 || (job === undefined && pods.length === 0)) return;
  }
}

/** Whether it was done. */
async function act(
  deps: RemoveDeps,
  run: NamedRun,
  step: Exclude<ReleaseStep, { do: 'wait' } | { do: 'say released' }>,
  signal: AbortSignal,
  byUid: boolean,
): Promise<boolean> {
  try {
    switch (step.do) {
      case 'delete job':
        return await deleteJob(deps, run, step, signal, byUid);
      case 'delete anchor':
        await deps.api.deleteAnchor(run.name, step.uid, signal);
        break;
      case 'delete pod':
        await deps.api.deletePod(step.name, step, signal);
        break;
    }
    return true;
  } catch (error) {
    // Somebody wrote since our read: read again, decide again.
    if (!isApiError(error, 'conflict')) throw error;
    return false;
  }
}

/** The garbage collector would take the Pods of one that makes no more, too, in its time. */
async function deleteJob(
  { api }: RemoveDeps,
  { name }: NamedRun,
  { uid, resourceVersion, propagation, ended }: Extract<ReleaseStep, { do: 'delete job' }>,
  signal: AbortSignal,
  byUid: boolean,
): Promise<boolean> {
  const [isDone] = await Promise.all([
    api.deleteJob(name, byUid ? { uid } : { uid, resourceVersion }, signal, propagation),
    ...(ended ?? []).map((pod) => api.deletePod(pod.name, pod, signal)),
  ]);
  return isDone;
}

function limiterIn({ anchor, job }: RunWorld): string | undefined {
  return (anchor ?? job)?.metadata?.annotations?.[ANNOTATION.limiter];
}

function limited(world: RunWorld, only: ReadonlySet<string> | undefined): RunWorld {
  if (only === undefined) return world;
  const ifMeant = <T extends KubernetesObject>(found: T | undefined) =>
    only.has(found?.metadata?.uid ?? '') ? found : undefined;
  const job = ifMeant(world.job);
  const strange = job === undefined ? world.job?.metadata?.uid : undefined;
  const pods = strange === undefined ? world.pods : world.pods.filter((pod) => !isOwnedBy(pod, strange));
  return { anchor: ifMeant(world.anchor), job, pods };
}

/**
 * `suspended`: it was so when it was deleted, by us as we had read it, or by somebody else; and whoever lets it go after that
 * lets it make no Pod. Of one that was only read it is not said: it may be let go, and another release deletes it then.
 */
function worse(
  found: 'nothing' | 'suspended' | 'started',
  { job, pods }: RunWorld,
): 'nothing' | 'suspended' | 'started' {
  if (found === 'started' || pods.length > 0) return 'started';
  if (job === undefined || found === 'suspended') return found;
  if (wasLetGo(job)) return 'started';
  return isEnding(job) ? 'suspended' : found;
}
