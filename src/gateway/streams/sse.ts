/**
 * Server-Sent Events: https://html.spec.whatwg.org/multipage/server-sent-events.html
 *
 * Nothing is made before somebody reads it: a connection holds at most BUFFER bytes, the one piece that is being taken,
 * and what the operating system buffers for it. Who takes nothing for STUCK_MS, while there is something to take, is cut.
 */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Deps } from '../deps.ts';
import type { StreamKind } from '../metrics.ts';

export interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
  readonly id?: string;
}

/** Bytes. */
export const BUFFER = 16 * 1024;
export const STUCK_MS = 30_000;
/** Between two signs of life. */
export const QUIET_MS = 15_000;

export const SIGN_OF_LIFE = ': still there\n\n';
/** How long a reader that lost the stream waits before it asks again. Milliseconds. */
export const HELLO = 'retry: 1000\n\n';
export const GOODBYE = ': this gateway stops; ask again with Last-Event-ID\nretry: 1000\n\n';

export const STREAM_TYPE = 'text/event-stream';

/** JSON has no line ends, so a line is enough. */
export function written({ event, data, id }: StreamEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Sends what `pieces` makes until it ends, the reader goes, or the gateway stops. */
export function sendStream(
  { metrics, stopping }: Pick<Deps, 'metrics' | 'stopping'>,
  reply: FastifyReply,
  kind: StreamKind,
  pieces: (signal: AbortSignal) => AsyncIterable<string>,
): FastifyReply {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const cut = () => {
    metrics.streamCut(kind);
    reply.raw.destroy();
  };
  async function* counted(): AsyncGenerator<string> {
    metrics.streamOpened(kind);
    try {
      yield HELLO;
      yield* unlessStuck(pieces(AbortSignal.any([gone.signal, stopping])), STUCK_MS, cut);
      if (stopping.aborted) yield GOODBYE;
    } finally {
      metrics.streamClosed(kind);
    }
  }
  return reply
    .type(`${STREAM_TYPE}; charset=utf-8`)
    .headers({ 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' })
    .send(Readable.from(counted(), { objectMode: false, highWaterMark: BUFFER }));
}

/** Calls `cut` when a piece is not taken for so many milliseconds. */
export async function* unlessStuck(pieces: AsyncIterable<string>, ms: number, cut: () => void): AsyncGenerator<string> {
  for await (const piece of pieces) {
    const timer = setTimeout(cut, ms);
    try {
      yield piece;
    } finally {
      clearTimeout(timer);
    }
  }
}
