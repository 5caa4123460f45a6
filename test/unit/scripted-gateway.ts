/** A gateway that does, in turn, what a network and a gateway may do; and some of what one says. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WireTask } from '../../src/gateway/wire/task.ts';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
export type Answer = (reply: ServerResponse, asked: Asked) => void;

export class ScriptedGateway {
  /** What is answered, in turn; the last one again and again. */
  script: Answer[] = [];
  readonly asked: Asked[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, reply) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        const asked = { method, url, headers, body: Buffer.concat(chunks).toString() };
        this.asked.push(asked);
        const answer = this.script.length > 1 ? this.script.shift() : this.script[0];
        answer?.(reply, asked);
      });
    });
  }

  static async open(): Promise<ScriptedGateway> {
    const gateway = new ScriptedGateway();
    await new Promise<void>((resolve) => gateway.#server.listen(0, '127.0.0.1', resolve));
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export const says = (status: number, body: object, headers: Readonly<Record<string, string>> = {}): Answer => {
  return (reply) =>
    reply.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
export const refuses = (
  status: number,
  code: string,
  more: object = {},
  headers: Readonly<Record<string, string>> = {},
) => {
  const problem = { type: `/problems/${code}`, title: 't', status, code, detail: 'It is so.', next: 'Do it.' };
  const rest = { facts: {}, errors: [], request_id: 'r-1', ...more };
  return says(status, { ...problem, ...rest }, { 'content-type': 'application/problem+json', ...headers });
};
export const AT_ONCE = { 'retry-after': '0' };

export const task: WireTask = {
  task_id: 't',
  run_id: 'r',
  workload: 'command',
  status: 'running',
  phase: 'running',
  outcome: null,
  started: true,
  started_at: '2026-01-01T00:00:00.000Z',
  completed_at: null,
  cancel: null,
  job: null,
  pod: null,
  progress: null,
  diagnosis: null,
  waiting_for: null,
  retried: null,
};

export const cancel = (status: string, more: object = {}) =>
  says(status === 'cancelling' ? 202 : 200, { task_id: 't', status, started: true, ...more });
