import type { Client } from '@temporalio/client';
import { FREED_SIGNAL } from './contract.ts';

/** How long Temporal may take for it. Milliseconds. */
const ANSWER_MS = 5_000;

/**
 * Tells a limiter that nothing of a run is left. Nobody's release waits or fails for it: a limiter that is not told
 * finds out by itself within a minute, and one that is not there has no slot to give.
 */
export async function tellFreed(client: Client, limiter: string, run: string): Promise<void> {
  const tell = () => client.workflow.getHandle(limiter).signal(FREED_SIGNAL, run);
  await client.withDeadline(Date.now() + ANSWER_MS, tell).catch(() => undefined);
}
