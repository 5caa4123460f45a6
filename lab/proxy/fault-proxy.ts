/**
 * Stands before the API server and does to requests what networks do. Rules see each request that has to do with a
 * task (watches, events and logs pass); what is held or doubled here reaches the server even if its sender is dead.
 */
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KubeConfig } from '@kubernetes/client-node';
import { classify, type SeenRequest } from './classify.ts';
import type { Gate } from './gate.ts';

/** What happens to one request. `until` opens when the case says so; times in milliseconds. */
export type Fault =
  | { readonly do: 'pass' }
  /** Not forwarded before `until`; with `lastByte`, all of it but its last byte is. */
  | { readonly do: 'hold'; readonly until: Gate; readonly lastByte?: boolean }
  /** Forwarded at once; the answer is kept back. */
  | { readonly do: 'hold answer'; readonly until: Gate }
  /** Never forwarded; the sender's socket is cut. */
  | { readonly do: 'drop' }
  /** Forwarded; the answer is thrown away and the sender's socket is cut. */
  | { readonly do: 'drop answer' }
  | { readonly do: 'delay'; readonly ms: number }
  /** Forwarded, answered, and forwarded once more when `again` opens. */
  | { readonly do: 'duplicate'; readonly again: Gate }
  /** Not forwarded. */
  | { readonly do: 'answer'; readonly status: 409 | 429 | 500 | 503 | 504 }
  /** Forwarded, but the sender is told a server error. */
  | { readonly do: 'apply and answer'; readonly status: 500 | 503 | 504 };

/** Called before a request is forwarded; may take its time, e.g. to kill a worker first. */
export type Rule = (request: SeenRequest) => Fault | Promise<Fault>;

/** A status in Kubernetes' own form, or the page of something that stands in its place. */
export type Refusal = 401 | 403 | 429 | 'page';

export interface Witness {
  /** The server has answered a request that had to do with a task; the sender has not got it yet. */
  readonly answered?: (request: SeenRequest) => void;
  /** Nothing of the request is on its way any more: it has been answered each time it was sent, or never will be. */
  readonly settled?: (request: SeenRequest) => void;
}

/** Told of every request, watches and logs too; what it gives is called when the sender has its answer, or is gone. */
export type Meter = (method: string, url: string) => () => void;

export class FaultProxy {
  readonly #server: Server;
  readonly #upstream: RequestOptions;
  readonly #agent = new HttpsAgent({ keepAlive: true, maxSockets: Infinity });
  #rule: Rule = () => ({ do: 'pass' });
  #witness: Witness = {};
  #meter: Meter = () => () => undefined;
  #refusalOf: (url: string) => Refusal | undefined = () => undefined;
  #number = 0;

  private constructor(upstream: RequestOptions) {
    this.#upstream = upstream;
    this.#server = createServer((request, response) => {
      void this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  static async listen(config: KubeConfig): Promise<FaultProxy> {
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new TypeError('the kubeconfig has no current cluster');
    const { hostname, port } = new URL(cluster.server);
    const credentials: RequestOptions = {};
    await config.applyToHTTPSOptions(credentials);
    const proxy = new FaultProxy({ ...credentials, hostname, port: port || 443 });
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A kubeconfig, as JSON, with one context that goes through this proxy, by `way` if given, and needs no credentials. */
  kubeconfig(context: string, way: string = new URL(this.url).host): string {
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: context, cluster: { server: `http://${way}`, 'insecure-skip-tls-verify': true } }],
      users: [{ name: context, user: {} }],
      contexts: [{ name: context, context: { cluster: context, user: context } }],
      'current-context': context,
    });
  }

  setRule(rule: Rule): void {
    this.#rule = rule;
  }

  /** Every request, watches and logs too, or each of those that are meant, is answered so, and reaches nobody, until this is called with nothing. */
  refuse(refusal?: Refusal, isMeant: (url: string) => boolean = () => true): void {
    this.#refusalOf = (url) => (isMeant(url) ? refusal : undefined);
  }

  setWitness(witness: Witness): void {
    this.#witness = witness;
  }

  setMeter(meter: Meter): void {
    this.#meter = meter;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    this.#agent.destroy();
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    response.once('close', this.#meter(incoming.method ?? '', incoming.url ?? ''));
    const body = await readAll(incoming);
    const refusal = this.#refusalOf(incoming.url ?? '');
    if (refusal !== undefined) return send(response, refusalAnswer(refusal));
    const seen = classify(incoming, body, this.#number + 1);
    if (seen === undefined) return this.#stream(incoming, body, response);
    this.#number += 1;
    try {
      await this.#apply(await this.#rule(seen), seen, incoming, body, response);
    } finally {
      this.#witness.settled?.(seen);
    }
  }

  async #apply(
    fault: Fault,
    seen: SeenRequest,
    incoming: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    const forward = (until?: Gate) => this.#forward(incoming, body, until);
    const deliver = (answer: Answer) => {
      this.#witness.answered?.(seen);
      send(response, answer);
    };
    switch (fault.do) {
      case 'pass':
        return deliver(await forward());
      case 'hold':
        if (fault.lastByte !== true) await fault.until.opened;
        return deliver(await forward(fault.lastByte === true ? fault.until : undefined));
      case 'hold answer': {
        const answer = await forward();
        this.#witness.answered?.(seen);
        await fault.until.opened;
        return send(response, answer);
      }
      case 'drop':
        response.destroy();
        return;
      case 'drop answer': {
        await forward();
        this.#witness.answered?.(seen);
        response.destroy();
        return;
      }
      case 'delay':
        await new Promise((resolve) => setTimeout(resolve, fault.ms));
        return deliver(await forward());
      case 'duplicate':
        deliver(await forward());
        await fault.again.opened;
        await forward();
        return;
      case 'answer':
        return send(response, statusAnswer(fault.status));
      case 'apply and answer': {
        await forward();
        this.#witness.answered?.(seen);
        return send(response, statusAnswer(fault.status));
      }
    }
  }

  /** The whole exchange, whether or not the sender still listens. With `until`, the last byte waits. */
  async #forward(incoming: IncomingMessage, body: Buffer, until?: Gate): Promise<Answer> {
    const { request, answered } = this.#open(incoming, body.length);
    if (until !== undefined && body.length > 0) {
      request.write(body.subarray(0, -1));
      await until.opened;
      request.end(body.subarray(-1));
    } else {
      request.end(body);
    }
    const answer = await answered;
    return { status: answer.statusCode ?? 500, headers: answer.headers, body: await readAll(answer) };
  }

  /** Watches and logs: as they come, and ended when the client goes. */
  async #stream(incoming: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const { request, answered } = this.#open(incoming, body.length);
    response.on('close', () => request.destroy());
    request.end(body);
    const answer = await answered;
    answer.on('error', () => response.destroy());
    response.writeHead(answer.statusCode ?? 500, hopFree(answer.headers));
    response.flushHeaders();
    answer.pipe(response);
  }

  #open(incoming: IncomingMessage, length: number) {
    const headers = { ...hopFree(incoming.headers), ...(length > 0 && { 'content-length': length }) };
    const request = httpsRequest({
      ...this.#upstream,
      agent: this.#agent,
      method: incoming.method,
      path: incoming.url,
      headers,
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.on('response', resolve);
      request.on('error', reject);
    });
    // It may fail while its last byte is still held, with nobody listening yet.
    answered.catch(() => undefined);
    return { request, answered };
  }
}

interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...hopFree(headers), 'content-length': body.length });
  response.end(body);
}

const REASONS = {
  401: 'Unauthorized',
  403: 'Forbidden',
  409: 'Conflict',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function statusAnswer(status: keyof typeof REASONS): Answer {
  const reason = REASONS[status];
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: status,
    reason,
    message: `injected ${status}`,
  };
  const headers = { 'content-type': 'application/json', ...(status === 429 && { 'retry-after': '1' }) };
  return { status, headers, body: Buffer.from(JSON.stringify(body)) };
}

function refusalAnswer(refusal: Refusal): Answer {
  if (refusal !== 'page') return statusAnswer(refusal);
  return { status: 404, headers: { 'content-type': 'text/html' }, body: Buffer.from('<h1>404 Not Found</h1>') };
}

function hopFree(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const {
    host: _h,
    connection: _c,
    'transfer-encoding': _t,
    'content-length': _l,
    'keep-alive': _k,
    ...rest
  } = headers;
  return rest;
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
