/**
 * Logs come over HTTP/2 where an API server speaks it, a hundred on a connection: one for each is a TLS session, 60 KB, and
 * an open file on both sides. By Node's own client: where undici 8.12 loses such a connection, it throws where nobody can
 * catch it. Here each stream fails, and whoever reads it hears of it.
 */
import type { ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import type { ConnectionOptions } from 'node:tls';
import { LogConnection, type LogTiming, openSession, STREAMS } from './log-connection.ts';

const TIMING: LogTiming = { openMs: 5_000, idleMs: 5_000, pingMs: 30_000, pongMs: 15_000 };

export class LogConnections {
  readonly #server: URL;
  readonly #tls: ConnectionOptions;
  readonly #timing: LogTiming;
  readonly #connections = new Set<LogConnection>();
  #speaksHttp2 = true;
  /** Streams on a connection, as the server said last. */
  #most = STREAMS;

  constructor(server: string, tls: ConnectionOptions, timing = TIMING) {
    this.#server = new URL(server);
    this.#tls = tls;
    this.#timing = timing;
  }

  /** A GET that has been sent. Undefined: the server does not speak HTTP/2, and will not be asked again. */
  async get(url: URL, headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<ClientHttp2Stream | undefined> {
    while (this.#speaksHttp2) {
      const connection = this.#withRoom();
      const stream = await connection.request({ ...headers, ':path': `${url.pathname}${url.search}` }, signal);
      if (stream !== 'full') return stream;
    }
    return undefined;
  }

  #withRoom(): LogConnection {
    for (const known of this.#connections) if (known.hasRoom) return known;
    const connection: LogConnection = new LogConnection(this.#open(), this.#most, this.#timing, {
      opened: (most) => (this.#most = most),
      closed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    return connection;
  }

  async #open() {
    const session = await openSession(this.#server, this.#tls, this.#timing.openMs);
    if (session === undefined) this.#speaksHttp2 = false;
    return session;
  }
}
