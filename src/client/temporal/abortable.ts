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
  const asked = temporal.withAbortSignal(call.signal, ask);
  try {
    return await Promise.race([asked, left.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
    if (signal.aborted) remember(temporal, asked);
  }
}

const LEFT = new WeakMap<Client, Set<Promise<unknown>>>();

/**
 * What was left in a pause before another try. The SDK's timer tries again all the same, and throws past everybody if the
 * connection is closed by then: whoever closes it waits for these first.
 */
export function leftOf(temporal: Client): readonly Promise<unknown>[] {
  return [...(LEFT.get(temporal) ?? [])];
}

function remember(temporal: Client, asked: Promise<unknown>): void {
  const all = LEFT.get(temporal) ?? new Set();
  LEFT.set(temporal, all.add(asked));
  const forget = () => void all.delete(asked);
  asked.then(forget, forget);
}
