/** The loop under every release: read, ask the fence, do the one thing, until it says released. */
import type { KubernetesObject } from '@kubernetes/client-node';
import type { Released } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { isOwnedBy, nextReleaseStep, type ReleaseStep, type RunWorld } from '../fence.ts';
import { isApiError } from '../kubernetes/api-error.ts';
import type { Deps } from './deps.ts';
import { type NamedRun, readWorld } from './world.ts';

/** Longest wait between two looks. Milliseconds. */
const LOOK_MS = 2_000;
/** An attempt says what it waits for and lets the next one go on. Milliseconds. */
export const ATTEMPT_MS = 4 * 60_000;

export type RemoveDeps = Pick<Deps, 'api' | 'watch' | 'temporalNamespaceId'>;

export interface RemoveOptions {
  /** Told after each look what is done next, before it is done; what it throws ends the loop. */
  readonly before?: (step: ReleaseStep, world: RunWorld) => Promise<void> | void;
  /** What is waited for, for those who watch. */
  readonly show?: ((details: unknown) => void) | undefined;
  /** If given, an anchor or a Job with another uid than these is left alone, and so are its Pods. */
  readonly only?: ReadonlySet<string>;
}

export async function removeRun(
  deps: RemoveDeps,
  run: NamedRun,
  signal: AbortSignal,
  { before, show, only }: RemoveOptions = {},
): Promise<Extract<Released, { is: 'released' }>['found']> {
  const since = Date.now();
  let found: 'nothing' | 'suspended' | 'started' = 'nothing';
  for (let pause = 50; ;) {
    const changed = deps.watch.changed(run.name, pause, signal);
    const world = limited(await readWorld(deps, run, signal), only);
    found = worse(found, world);
    const step = nextReleaseStep(world);
    await before?.(step, world);
    if (step.do === 'say released') return found;
    if (step.do !== 'wait') {
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
}

async function act(
  deps: RemoveDeps,
  run: NamedRun,
  step: Exclude<ReleaseStep, { do: 'wait' } | { do: 'say released' }>,
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

function limited(world: RunWorld, only: ReadonlySet<string> | undefined): RunWorld {
  if (only === undefined) return world;
  const ifMeant = <T extends KubernetesObject>(found: T | undefined) =>
    only.has(found?.metadata?.uid ?? '') ? found : undefined;
  const job = ifMeant(world.job);
  const strange = job === undefined ? world.job?.metadata?.uid : undefined;
  const pods = strange === undefined ? world.pods : world.pods.filter((pod) => !isOwnedBy(pod, strange));
  return { anchor: ifMeant(world.anchor), job, pods };
}

function worse(
  found: 'nothing' | 'suspended' | 'started',
  { job, pods }: RunWorld,
): 'nothing' | 'suspended' | 'started' {
  if (found === 'started' || pods.length > 0 || (job !== undefined && job.spec?.suspend !== true)) return 'started';
  return job === undefined ? found : 'suspended';
}
