/** A connection that many logs share, and whether its other side is still there. */
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';
import { isIP } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

export interface LogTiming {
  /** How long a connection may take to open. Milliseconds. */
  readonly openMs: number;
  /** How long a connection without streams is kept. Milliseconds. */
  readonly idleMs: number;
  /** Between two questions whether the other side is still there: a connection may die without a word. Milliseconds. */
  readonly pingMs: number;
  /** How long the answer to that may take. Milliseconds. */
  readonly pongMs: number;
}

interface Told {
  /** With so many streams that it takes. */
  readonly opened: (most: number) => void;
  /** It takes no more; those that it has may go on. */
  readonly closed: () => void;
}

/** After a goaway Node pings no more, and TCP itself has to notice that the other side is gone. Milliseconds. */
const KEEP_ALIVE_MS = 30_000;
/** The most on one connection, and what an API server allows unless it is told otherwise. */
export const STREAMS = 100;
/** What may be on its way in a stream that nobody reads. Bytes. */
const STREAM_WINDOW = 64 * 1024;
/** The same of all streams of a connection; Node widens it again as bytes come, whoever reads them. Bytes. */
const CONNECTION_WINDOW = 1024 * 1024;

export class LogConnection {
  readonly #session: Promise<ClientHttp2Session | undefined>;
  readonly #timing: LogTiming;
  readonly #told: Told;
  #most: number;
  #taken = 0;
  #isOver = false;
  #opened: ClientHttp2Session | undefined;
  #idle: NodeJS.Timeout | undefined;

  /**
   * @param session Undefined: the server does not speak HTTP/2.
   * @param most streams that it takes, until the server has said how many it allows.
   */
  constructor(session: Promise<ClientHttp2Session | undefined>, most: number, timing: LogTiming, told: Told) {
    this.#session = session;
    this.#timing = timing;
    this.#told = told;
    this.#most = most;
    session.then(
      (opened) => this.#keep(opened),
      () => this.#end(),
    );
  }

  get hasRoom(): boolean {
    return !this.#isOver && this.#taken < this.#most;
  }

  /** Undefined: it does not speak HTTP/2. `full`: it turned out to have less room than it seemed, or has just ended. */
  async request(headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<ClientHttp2Stream | 'full' | undefined> {
    let stream: ClientHttp2Stream | undefined;
    this.#take();
    try {
      const session = await unlessAborted(this.#session, signal);
      if (session === undefined) return undefined;
      if (this.#isOver || this.#taken > this.#most) return 'full';
      stream = session.request(headers);
      stream.once('close', () => this.#release());
      // Whoever reads it hears of it by what is thrown.
      stream.on('error', () => undefined);
      return stream;
    } finally {
      if (stream === undefined) this.#release();
    }
  }

  #keep(session: ClientHttp2Session | undefined): void {
    if (session === undefined || session.destroyed) return this.#end();
    this.#opened = session;
    this.#most = streamsOf(session);
    this.#told.opened(this.#most);
    const beat = setInterval(() => this.#beat(session), this.#timing.pingMs).unref();
    session.once('goaway', () => this.#end());
    session.once('close', () => {
      clearInterval(beat);
      this.#end();
    });
    if (this.#taken === 0) this.#rest(session);
  }

  #beat(session: ClientHttp2Session): void {
    if (session.destroyed || session.closed) return;
    const dead = () => session.destroy(new Error('the connection has died: no answer to a ping'));
    const timer = setTimeout(dead, this.#timing.pongMs).unref();
    session.ping(() => clearTimeout(timer));
  }

  #take(): void {
    this.#taken += 1;
    clearTimeout(this.#idle);
    this.#opened?.ref();
  }

  #release(): void {
    this.#taken -= 1;
    if (this.#taken === 0 && this.#opened !== undefined) this.#rest(this.#opened);
  }

  /** Nobody has to wait for a connection without streams, to end the process for one. */
  #rest(session: ClientHttp2Session): void {
    session.unref();
    this.#idle = setTimeout(() => session.destroy(), this.#timing.idleMs).unref();
  }

  #end(): void {
    this.#isOver = true;
    this.#told.closed();
  }
}

/** Undefined: the server does not speak HTTP/2. */
export async function openSession(
  { hostname, port, origin }: URL,
  options: ConnectionOptions,
  ms: number,
): Promise<ClientHttp2Session | undefined> {
  const opening = new AbortController();
  const timer = setTimeout(() => opening.abort(new Error(`no connection within ${ms} ms`)), ms);
  const host = hostname.replace(/^\[|\]$/g, '');
  const servername = options.servername ?? (isIP(host) === 0 ? host : '');
  const ALPNProtocols = ['h2', 'http/1.1'];
  const socket = connectTls({ ...options, host, port: Number(port || 443), servername, ALPNProtocols });
  let session: ClientHttp2Session | undefined;
  try {
    await once(socket, 'secureConnect', { signal: opening.signal });
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    if (socket.alpnProtocol === 'h2') session = await greeted(origin, socket, opening.signal);
    return session;
  } finally {
    clearTimeout(timer);
    // What is not waited for any more is not listened to.
    opening.abort();
    if (session === undefined) socket.destroy();
  }
}

/** When the server has said how much it allows, which it does first of all. */
async function greeted(origin: string, socket: TLSSocket, signal: AbortSignal): Promise<ClientHttp2Session> {
  const settings = { enablePush: false, initialWindowSize: STREAM_WINDOW };
  const session = connect(origin, { createConnection: () => socket, settings });
  // What it is lost by is told to who waits here, and later to each of its streams.
  session.on('error', () => undefined);
  await Promise.race([once(session, 'remoteSettings', { signal }), once(session, 'close', { signal })]);
  if (session.destroyed) throw new Error('the server closed the connection at once');
  session.setLocalWindowSize(CONNECTION_WINDOW);
  return session;
}

function streamsOf({ remoteSettings }: ClientHttp2Session): number {
  return Math.max(1, Math.min(STREAMS, remoteSettings.maxConcurrentStreams ?? STREAMS));
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
