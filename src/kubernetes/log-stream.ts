/** One log over HTTP/2: whoever gives up ends this stream alone, and one that breaks off never looks like one at its end. */
import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2';

/** Behind the API server its connection to the node may have died: a log that is silent for so long is asked for again. */
const SILENT_MS = 300_000;

const { HTTP2_HEADER_STATUS, NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;

/** @throws what ended the wait: the signal's reason, or what became of the connection. */
export async function headersOf(
  stream: ClientHttp2Stream,
  signal: AbortSignal,
): Promise<{ status: number; headers: IncomingHttpHeaders }> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingHttpHeaders>();
  stream.once('response', resolve);
  stream.once('close', () => reject(reasonOf(stream)));
  const forget = whenAborted(stream, signal);
  try {
    const headers = await promise;
    return { status: Number(headers[HTTP2_HEADER_STATUS]), headers };
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    forget();
  }
}

/** To be read to its end, or left: nothing else lets go of the stream. */
export async function* bytesOf(stream: ClientHttp2Stream, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const forget = whenAborted(stream, signal);
  stream.setTimeout(SILENT_MS, () => stream.destroy(new Error(`no output for ${SILENT_MS} ms`)));
  try {
    yield* stream as AsyncIterable<Uint8Array>;
    // Node tells of a connection that was closed, or a stream that was cancelled, as of an end.
    if (stream.rstCode !== NGHTTP2_NO_ERROR) throw reasonOf(stream);
  } finally {
    forget();
    cancel(stream);
  }
}

function whenAborted(stream: ClientHttp2Stream, signal: AbortSignal): () => void {
  const abort = () => cancel(stream);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return () => signal.removeEventListener('abort', abort);
}

function cancel(stream: ClientHttp2Stream): void {
  if (stream.destroyed) return;
  stream.close(NGHTTP2_CANCEL);
  // Closed alone it would wait until its last frame is written, on a connection that may be stuck.
  stream.destroy();
}

function reasonOf(stream: ClientHttp2Stream): Error {
  return stream.errored ?? new Error(`the stream broke off (code ${stream.rstCode})`);
}
