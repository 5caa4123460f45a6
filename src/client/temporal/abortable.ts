import type { Client } from '@temporalio/client';

/** Asks until the signal ends it; then the signal's own reason is thrown, as `fetch` does, not gRPC's. */
export async function abortable<T>(
  temporal: Client,
  signal: AbortSignal | undefined,
  ask: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return ask();
  signal.throwIfAborted();
  try {
    return await temporal.withAbortSignal(signal, ask);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
