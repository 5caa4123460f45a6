/** An API server that has nothing but logs: over HTTP/2 it answers for each Pod as the test says, over HTTP/1.1 that it did so. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { until } from '../../lab/stage/until.ts';
import { createAuthority, issue } from '../../dev/cluster/certificates.ts';
import { isApiError } from '../../src/kubernetes/api-error.ts';
import { JobsApi } from '../../src/kubernetes/jobs-api.ts';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';

export type LogAnswer = (stream: ServerHttp2Stream, pod: string, url: URL) => void;

export interface LogServerOptions {
  readonly maxConcurrentStreams?: number;
}

export class LogServer {
  answer: LogAnswer = say('one');
  speaksHttp2 = true;
  readonly sessions = new Set<ServerHttp2Session>();
  readonly streams = new Map<string, ServerHttp2Stream>();
  /** Whom each connection was opened by, in their order. */
  readonly clients: string[] = [];
  readonly requests: { readonly version: string; readonly authorization: string | undefined }[] = [];
  readonly authority = createAuthority('authority');
  readonly #folder: string;
  readonly #server: Http2SecureServer;
  readonly #sockets = new Set<TLSSocket>();

  private constructor(folder: string, { maxConcurrentStreams = 100 }: LogServerOptions) {
    this.#folder = folder;
    const { certificate: cert, key } = issue(this.authority, { commonName: 'api', hosts: ['127.0.0.1'] });
    const tls = { cert, key, ca: this.authority.certificate, requestCert: true, rejectUnauthorized: false };
    // Node's server would keep what it has to say to itself, and refuse, at 10 MB; Go's does not.
    const http2 = { allowHTTP1: true, settings: { maxConcurrentStreams }, maxSessionMemory: 1_000 };
    const ALPNCallback = () => (this.speaksHttp2 ? 'h2' : 'http/1.1');
    this.#server = createSecureServer({ ...tls, ...http2, ALPNCallback });
    this.#server.on('secureConnection', (socket) => {
      this.clients.push(String(socket.getPeerCertificate().subject?.CN));
      this.#sockets.add(socket.on('error', () => undefined));
    });
    this.#server.on('session', (session) => {
      this.sessions.add(session.on('error', () => undefined));
      session.once('close', () => this.sessions.delete(session));
    });
    this.#server.on('stream', (stream, headers) => this.#take(stream, headers));
    this.#server.on('request', ({ httpVersion, headers }, response) => {
      if (httpVersion === '2.0') return;
      this.requests.push({ version: httpVersion, authorization: headers.authorization });
      response.end(time(1, 'by 1.1'));
    });
  }

  #take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    stream.on('error', () => undefined);
    this.requests.push({ version: '2.0', authorization: headers.authorization });
    const url = new URL(headers[':path'] ?? '/', 'https://api');
    const [, pod = ''] = /\/pods\/([^/]+)\/log$/.exec(url.pathname) ?? [];
    this.streams.set(pod, stream);
    stream.once('close', () => this.streams.get(pod) === stream && this.streams.delete(pod));
    this.answer(stream, pod, url);
  }

  static async listen(options: LogServerOptions = {}): Promise<LogServer> {
    const server = new LogServer(await mkdtemp(join(tmpdir(), 'holdfast-logs-')), options);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    await server.become('first');
    await writeFile(join(server.#folder, 'ca.pem'), server.authority.certificate);
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The certificate that clients show from now on. */
  async become(commonName: string): Promise<void> {
    const { certificate, key } = issue(this.authority, { commonName });
    await writeFile(join(this.#folder, 'key.pem'), key);
    await writeFile(join(this.#folder, 'cert.pem'), certificate);
  }

  async api({ deadlineMs = 5_000, port = this.port } = {}): Promise<JobsApi> {
    const user = { 'client-certificate': 'cert.pem', 'client-key': 'key.pem' };
    const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority': 'ca.pem' };
    const text = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'c', user }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
    };
    const kubeconfig = join(this.#folder, 'kubeconfig');
    await writeFile(kubeconfig, JSON.stringify(text));
    const kubernetes = { context: 'c', kubeconfig, namespace: 'ns', deadlineMs };
    return new JobsApi(loadKubeConfig(kubernetes), kubernetes);
  }

  /** Every connection, without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true });
  }
}

/** A line of a log. */
export const time = (second: number, text = `line ${second}`): string =>
  `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000000Z ${text}\n`;

/** These, and then its end. */
export const say =
  (...texts: readonly string[]): LogAnswer =>
  (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'text/plain' });
    for (const text of texts) stream.write(text);
    stream.end();
  };

/** These, and then nothing for as long as nobody ends it. */
export const follow =
  (...texts: readonly string[]): LogAnswer =>
  (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'text/plain' });
    for (const text of texts) stream.write(text);
  };

export const refuse =
  (status: number, headers: Record<string, string> = {}): LogAnswer =>
  (stream) => {
    stream.respond({ ':status': status, 'content-type': 'application/json', ...headers });
    stream.end(JSON.stringify({ kind: 'Status', status: 'Failure', code: status, reason: 'R', message: 'said' }));
  };

/** What nobody gives up. */
export const NEVER = new AbortController().signal;

/** A log that is read: what has come of it, and how it ended. */
export class Reading {
  text = '';
  readonly ended: Promise<unknown>;

  constructor(api: JobsApi, pod: string, signal = NEVER) {
    this.ended = this.#read(api, pod, signal).catch((error: unknown) => error);
  }

  async #read(api: JobsApi, pod: string, signal: AbortSignal): Promise<undefined> {
    for await (const chunk of api.readLog({ pod, container: 'task', follow: true }, signal))
      this.text += Buffer.from(chunk).toString();
  }

  async has(text: string): Promise<void> {
    await until(`it has ${text}`, () => this.text.includes(text), 10);
  }
}

export const podsUpTo = (count: number) => Array.from({ length: count }, (_, index) => `pod-${index}`);
export const readAll = (api: JobsApi, count: number) => podsUpTo(count).map((pod) => new Reading(api, pod));
export const kindOf = (error: unknown) => (isApiError(error) ? error.kind : String(error));

export async function listening(listener: Server): Promise<number> {
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  return (listener.address() as AddressInfo).port;
}
