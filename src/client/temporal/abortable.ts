import type { Client } from '@temporalio/client';

/**
 * Asks until the signal ends it; then the signal's own reason is thrown, as `fetch` does, not gRPC's. At once: what
 * Temporal's client is about to try again does not hear of a signal. That client also leaves a listener for each request
 * on the signal that it is given, so it is given one that ends with the call.
 */
export async function abortable<T>(
  temporal: Client,
  signal: AbortSignal | undefined,
  ask: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return ask();
  signal.throwIfAborted();
  const call = new AbortController();
  const left = Promise.withResolvers<never>();
  const leave = () => {
    left.reject(signal.reason);
    call.abort();
  };
  signal.addEventListener('abort', leave);
  try {
    return await Promise.race([temporal.withAbortSignal(call.signal, ask), left.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
