/**
 * Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html) and lines of JSON, as they come. An
 * EventSource would not do: it cannot say who asks.
 */
import type { Gateway } from './gateway.ts';
import { pause } from '../pause.ts';

export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
  readonly id?: string;
}

/** A gateway gives a sign of life each 15 s; after this long the line is taken for broken. Milliseconds. */
const QUIET_MS = 60_000;
/** As the gateway tells its readers. Milliseconds. */
const AGAIN_MS = 1_000;

/** The events of a stream to the one named `last`; when the line breaks they go on after the one that was had. */
export async function* follow(
  gateway: Gateway,
  ask: { readonly path: string; readonly query?: Readonly<Record<string, string>> },
  last: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ServerEvent, void> {
  for (let had: string | undefined; ; await pause(AGAIN_MS, signal)) {
    const headers = had === undefined ? {} : { 'last-event-id': had };
    const body = await gateway.stream({ ...ask, headers, signal });
    // 204: everything was had.
    if (body === undefined) return;
    try {
      for await (const event of eventsIn(body)) {
        had = event.id ?? had;
        yield event;
        if (event.event === last) return;
      }
    } catch {
      signal?.throwIfAborted();
    }
  }
}

async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  for await (const block of pieces(body, '\n\n')) {
    const fields = new Map(
      block.split('\n').map((line) => [line.split(':', 1)[0] ?? '', line.slice(line.indexOf(':') + 1).trimStart()]),
    );
    const [event, data, id] = [fields.get('event'), fields.get('data'), fields.get('id')];
    if (event === undefined || data === undefined) continue;
    yield { event, data: JSON.parse(data) as unknown, ...(id !== undefined && { id }) };
  }
}

export async function* linesIn(body: ReadableStream<Uint8Array>): AsyncGenerator {
  for await (const line of pieces(body, '\n')) yield JSON.parse(line) as unknown;
}

/** What stands before each separator; half a piece at the end is none. */
async function* pieces(body: ReadableStream<Uint8Array>, separator: string): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (let rest = ''; ;) {
      const { done, value } = await unlessQuiet(reader.read());
      if (done) return;
      const whole = (rest + decoder.decode(value, { stream: true })).split(separator);
      rest = whole.pop() ?? '';
      yield* whole;
    }
  } finally {
    // A line that is broken cannot be closed.
    await reader.cancel().catch(() => undefined);
  }
}

async function unlessQuiet<T>(chunk: Promise<T>): Promise<T> {
  const quiet = Promise.withResolvers<never>();
  const timer = setTimeout(() => quiet.reject(new Error(`nothing for ${QUIET_MS / 1_000} s`)), QUIET_MS);
  return Promise.race([chunk, quiet.promise]).finally(() => clearTimeout(timer));
}
