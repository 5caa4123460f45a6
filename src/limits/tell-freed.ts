import type { Client } from '@temporalio/client';
import { FREED_SIGNAL } from './contract.ts';

/** How long a release waits for it at most. Milliseconds. */
const ANSWER_MS = 1_000;

/**
 * Tells a limiter that nothing of a run is left. No release fails for it: a limiter that is not told finds out by itself
 * within a minute, and one that is not there has no slot to give.
 */
export async function tellFreed(client: Client, limiter: string, run: string): Promise<void> {
  const tell = () => client.workflow.getHandle(limiter).signal(FREED_SIGNAL, run);
  await client.withDeadline(Date.now() + ANSWER_MS, tell).catch(() => undefined);
}
