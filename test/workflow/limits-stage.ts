/** A stage on which tasks queue for a slot, and what is asked of their limiter. */
import { randomUUID } from 'node:crypto';
import { getClient } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { admit } from '../../src/activities/admit.ts';
import type { Deps } from '../../src/activities/deps.ts';
import type { Activities } from '../../src/activities/index.ts';
import { type RunRef, STATE_QUERY, type TaskState } from '../../src/contract.ts';
import { type Claim, FREED_SIGNAL, LIMITER_QUERY, type LimiterState, type Limits } from '../../src/limits/contract.ts';
import { tellFreed } from '../../src/limits/tell-freed.ts';
import type { Stage, TaskHandle } from './stage.ts';
import { anchorOf, RELEASED, type World, world } from './world.ts';

export const newLimiter = () => `holdfast-limits-play-${randomUUID()}`;
export const nameOf = (run: Pick<RunRef, 'runId' | 'attempt'>) => `hf-${run.runId}-${run.attempt}`;
export const ELSEWHERE: Claim = { run: 'hf-elsewhere', taskId: 'elsewhere', tenant: '', priority: 3 };

/** A world with limits: the real request to be let in, and a release that tells what it has proved. */
export function limited(limiter: string, most: Limits, otherwise: Partial<Activities> = {}): World {
  return world({
    provision: async (run) => ({ anchor: { ...anchorOf(run), name: nameOf(run), limiter } }),
    admit: (held, wish) => admit({ limits: { limiter, most } } as unknown as Deps, held, wish),
    release: async ({ anchor }) => {
      if (anchor?.limiter !== undefined) await tellFreed(getClient(), anchor.limiter, anchor.name);
      return RELEASED;
    },
    ...otherwise,
  });
}

/** Somebody else has the only slot until it is said otherwise. */
export function slotTaken(stage: Stage, limiter: string): () => Promise<void> {
  stage.castLimiter(limiter, {
    holders: async () => [ELSEWHERE],
    vanished: async () => ({ gone: [], limits: { running: 1 } }),
  });
  return () => stage.client.workflow.getHandle(limiter).signal(FREED_SIGNAL, ELSEWHERE.run);
}

export const stateOf = (handle: TaskHandle) => handle.query<TaskState>(STATE_QUERY);
export const limiterState = (handle: WorkflowHandle) => handle.query<LimiterState>(LIMITER_QUERY);
