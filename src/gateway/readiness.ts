/** Whether the gateway could do its work now. */
import { polled } from '../task-queue.ts';
import { ask, type Deps } from './deps.ts';
import { retentionOf } from './retention.ts';

const ASK_MS = 2_000;

export interface Readiness {
  readonly temporal: boolean;
  readonly workers: boolean;
  /** Undefined if Temporal does not say. */
  readonly retentionSeconds?: number | undefined;
}

export async function readiness(deps: Pick<Deps, 'client' | 'taskQueue'>): Promise<Readiness> {
  try {
    const { now } = await ask(deps, () => polled(deps.client.temporal, deps.taskQueue, Date.now()), ASK_MS);
    return { temporal: true, workers: now, retentionSeconds: await retentionOf(deps) };
  } catch {
    return { temporal: false, workers: false };
  }
}
