/** A deadline, and the caller's own end, as one signal that costs nothing once the work is done. */

/**
 * Over when the deadline is, whoever heeds the signal: undici does not before it has a connection.
 * `AbortSignal.timeout` goes off for each request, long after it was answered, and makes an error of it with a stack;
 * `AbortSignal.any` keeps what it was made of.
 */
export async function within<T>(
  ms: number,
  caller: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(new Error(`timeout: no answer within ${ms} ms`)), ms);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  over.signal.addEventListener('abort', () => reject(over.signal.reason as Error), { once: true });
  const leave = () => over.abort(caller?.reason);
  caller?.addEventListener('abort', leave, { once: true });
  if (caller?.aborted === true) leave();
  try {
    return await Promise.race([work(over.signal), ended]);
  } finally {
    clearTimeout(timer);
    caller?.removeEventListener('abort', leave);
  }
}
