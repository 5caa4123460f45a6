/** What the limiter asks of Kubernetes: who holds a slot, and of whom nothing is left. They only read. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Deps } from '../activities/deps.ts';
import { perform } from '../activities/perform.ts';
import { readWorld } from '../activities/world.ts';
import { ANNOTATION, LABEL, MANAGED_BY, nextReleaseStep } from '../fence.ts';
import { paced } from '../paced.ts';
import { type Claim, type Limits, type Wish, wishOf } from './contract.ts';

/** Requests on their way at the same time. */
const AT_ONCE = 8;
const OURS = `${LABEL.managedBy}=${MANAGED_BY}`;

export type HeldRun = Pick<Claim, 'run' | 'taskId'>;

export interface LimitActivities {
  /** Runs of this limiter that have a Job: a limiter that begins knows of none. */
  readonly holders: (limiter: string) => Promise<readonly Claim[]>;
  /** Which of these are proved gone, as release would prove it; and what the limits are now. */
  readonly vanished: (
    runs: readonly HeldRun[],
  ) => Promise<{ readonly gone: readonly string[]; readonly limits: Limits }>;
}

export function createLimitActivities(deps: Deps, client: Client): LimitActivities {
  return {
    holders: (limiter) => perform(({ signal }) => holders(deps, client, limiter, signal), { onlyReads: true }),
    vanished: (runs) =>
      perform(async ({ signal }) => ({ gone: await vanished(deps, runs, signal), limits: deps.limits?.most ?? {} }), {
        onlyReads: true,
      }),
  };
}

async function holders(deps: Deps, client: Client, limiter: string, signal: AbortSignal): Promise<readonly Claim[]> {
  const { jobs } = await deps.api.listMarks(OURS, signal);
  const held = jobs.flatMap(({ name, annotations = {} }) => {
    const { [ANNOTATION.limiter]: by, [ANNOTATION.temporalNamespaceId]: of, [ANNOTATION.taskId]: taskId } = annotations;
    const isOurs = by === limiter && of === deps.temporalNamespaceId;
    return isOurs && name !== undefined && taskId !== undefined ? [{ run: name, taskId }] : [];
  });
  return paced(
    held,
    { atOnce: AT_ONCE },
    async (run) => ({ ...run, ...(await wishOfTask(client, run.taskId)) }),
    signal,
  );
}

async function wishOfTask(client: Client, taskId: string): Promise<Wish> {
  const described = client.workflow.getHandle(taskId).describe();
  return described.then(wishOf, (error: unknown) => {
    if (error instanceof WorkflowNotFoundError) return wishOf({});
    throw error;
  });
}

/** A run that has nothing any more can have nothing ever again: its anchor is gone, and no Job can be made without. */
async function vanished(deps: Deps, runs: readonly HeldRun[], signal: AbortSignal): Promise<readonly string[]> {
  const { anchors, jobs } = await deps.api.listMarks(OURS, signal);
  const there = new Set([...anchors, ...jobs].map(({ name }) => name));
  const missing = runs.filter(({ run }) => !there.has(run));
  const looked = await paced(
    missing,
    { atOnce: AT_ONCE },
    async ({ run: name, taskId }) => {
      const world = await readWorld(deps, { taskId, runId: '', name }, signal);
      return nextReleaseStep(world).do === 'say released' ? [name] : [];
    },
    signal,
  );
  return looked.flat();
}
