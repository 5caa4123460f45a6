/** The HTTP client against a server that does what a network and a gateway may do. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HoldfastHttpClient } from '../../src/http.ts';
import type { WireResult, WireTask } from '../../src/gateway/wire/task.ts';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Answer = (reply: ServerResponse, asked: Asked) => void;

let server: Server;
let client: HoldfastHttpClient;
let url: string;
/** What is answered, in turn; the last one again and again. */
let script: Answer[];
let asked: Asked[];

beforeEach(async () => {
  [script, asked] = [[], []];
  server = createServer((request, reply) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      asked.push({ method, url: path, headers, body: Buffer.concat(chunks).toString() });
      const answer = script.length > 1 ? script.shift() : script[0];
      answer?.(reply, asked[asked.length - 1] as Asked);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = new HoldfastHttpClient({ url, token: 'secret' });
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const says = (status: number, body: object, headers: Readonly<Record<string, string>> = {}): Answer => {
  return (reply) =>
    reply.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
const refuses = (status: number, code: string, more: object = {}, headers: Readonly<Record<string, string>> = {}) => {
  const problem = { type: `/problems/${code}`, title: 't', status, code, detail: 'It is so.', next: 'Do it.' };
  const rest = { facts: {}, errors: [], request_id: 'r-1', ...more };
  return says(status, { ...problem, ...rest }, { 'content-type': 'application/problem+json', ...headers });
};
const AT_ONCE = { 'retry-after': '0' };
const lost: Answer = (reply) => reply.destroy();
const started = says(201, { task_id: 't', run_id: 'r', is_new: true });
const TASK = { workload: 'command', image: 'a' } as const;

const task: WireTask = {
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
const result: WireResult = {
  task_id: 't',
  workload: 'command',
  outcome: null,
  phase: 'running',
  started: true,
  completed_at: null,
  job: null,
  container_started_at: null,
  container_finished_at: null,
  output: null,
  diagnosis: null,
  cancellation_reason: null,
};
const cancelled: WireResult = { ...result, outcome: 'cancelled', phase: 'ended', cancellation_reason: 'r' };
const cancel = (status: string, more: object = {}) =>
  says(status === 'cancelling' ? 202 : 200, { task_id: 't', status, started: true, ...more });

const event = (name: string, data: object, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
/** What is written, and then the line breaks, or is ended in order. */
const streams = (text: string, ending: 'breaks' | 'ends'): Answer => {
  return (reply) => {
    reply.writeHead(200, { 'content-type': 'text/event-stream' });
    reply.write(text, () => (ending === 'ends' ? reply.end() : reply.destroy()));
  };
};

describe('a request', () => {
  it('says who asks, and keeps what stands in the path apart', async () => {
    script = [says(200, task)];
    expect(await client.describe('a/b ?ü')).toMatchObject({ taskId: 't', open: true });
    expect(asked[0]).toMatchObject({ method: 'GET', url: '/v1/tasks/a%2Fb%20%3F%C3%BC' });
    expect(asked[0]?.headers.authorization).toBe('Bearer secret');
  });

  it('takes the token anew each time, and the path of a gateway that does not stand at the root', async () => {
    let count = 0;
    script = [says(200, task)];
    const fresh = new HoldfastHttpClient({ url: `${url}/holdfast/`, token: async () => `token-${(count += 1)}` });
    await fresh.describe('t');
    await fresh.describe('t');
    expect(asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
    expect(asked[0]?.url).toBe('/holdfast/v1/tasks/t');
  });
});

describe('a refusal', () => {
  it('is the error that was thrown in the gateway: code, sentence, next step, facts, fields', async () => {
    const errors = [{ field: 'image', message: 'is "A".' }];
    script = [refuses(413, 'INPUT_TOO_LARGE', { facts: { limit: 5, actual: 7 }, errors })];
    await expect(client.start(TASK)).rejects.toMatchObject({
      name: 'HoldfastError',
      code: 'INPUT_TOO_LARGE',
      message: 'It is so.',
      next: 'Do it.',
      facts: { limit: 5, actual: 7, problems: errors, requestId: 'r-1' },
    });
    expect(asked).toHaveLength(1);
  });

  it('with a code that is not known here keeps its words', async () => {
    script = [refuses(418, 'TEAPOT')];
    const error = { code: 'GATEWAY_FAULT', message: 'It is so.', next: 'Do it.', facts: { code: 'TEAPOT' } };
    await expect(client.describe('t')).rejects.toMatchObject(error);
  });

  it('of something that is no gateway says so', async () => {
    script = [(reply) => reply.writeHead(404, { 'content-type': 'text/html' }).end('<h1>no</h1>')];
    await expect(client.describe('t')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/answered 404/),
    });
    script = [(reply) => reply.writeHead(200, { 'content-type': 'text/html' }).end('<h1>hello</h1>')];
    await expect(client.kill('t')).rejects.toMatchObject({ code: 'GATEWAY_UNREACHABLE' });
  });
});

describe('what did not come through', () => {
  it('is asked again where that is safe: a look, a cancel, a start with the same id', async () => {
    script = [lost, refuses(503, 'TEMPORAL_UNREACHABLE', {}, AT_ONCE), says(200, task)];
    expect(await client.describe('t')).toMatchObject({ taskId: 't' });
    script = [lost, cancel('cancelled')];
    expect(await client.cancel('t')).toBe('cancelled_running');
    asked.length = 0;
    script = [lost, started];
    expect(await client.start(TASK)).toEqual({ taskId: 't', runId: 'r', isNew: true });
    const [first, second] = asked.map(({ body }) => body);
    expect(first).toMatch(/"id":"command-[0-9a-f-]{36}"/);
    expect(second).toBe(first);
  });

  it('is not asked again where it is not: a kill', async () => {
    script = [lost];
    await expect(client.kill('t')).rejects.toMatchObject({ code: 'GATEWAY_UNREACHABLE', facts: { url } });
    script = [refuses(503, 'KUBERNETES_UNREACHABLE', {}, AT_ONCE)];
    await expect(client.kill('t')).rejects.toMatchObject({ code: 'KUBERNETES_UNREACHABLE' });
    expect(asked).toHaveLength(2);
  });

  it('was refused for its number is asked again, whatever it is: nothing was done', async () => {
    const report = { task_id: 't', answer: 'killed', was: 'open', pods: [], left: [] };
    script = [refuses(429, 'RATE_LIMITED', {}, AT_ONCE), says(200, report)];
    expect(await client.kill('t')).toEqual({ taskId: 't', answer: 'killed', was: 'open', pods: [], left: [] });
  });

  it('is given up after five attempts, or when the wait would be long', async () => {
    script = [refuses(429, 'RATE_LIMITED', {}, AT_ONCE)];
    await expect(client.describe('t')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(asked).toHaveLength(5);
    script = [refuses(429, 'RATE_LIMITED', {}, { 'retry-after': '3600' })];
    await expect(client.describe('t')).rejects.toMatchObject({ facts: { retryAfterSeconds: 3_600 } });
    expect(asked).toHaveLength(6);
  });

  it('waits as long as it is told, or longer each time', async () => {
    vi.useFakeTimers();
    try {
      let count = 0;
      const away = async (): Promise<Response> => {
        count += 1;
        throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
      };
      const gone = expect(new HoldfastHttpClient({ url: 'http://gone', fetch: away }).describe('t')).rejects;
      const told = gone.toMatchObject({ message: 'No gateway answers at http://gone: connect ECONNREFUSED.' });
      for (const [ms, attempts] of [
        [249, 1],
        [1, 2],
        [500, 3],
        [1_000, 4],
        [1_999, 4],
        [1, 5],
      ] as const) {
        await vi.advanceTimersByTimeAsync(ms);
        expect(count).toBe(attempts);
      }
      await told;
    } finally {
      vi.useRealTimers();
    }
  });

  it('is not waited for when the caller leaves', async () => {
    const leave = new AbortController();
    script = [
      (reply, request) => {
        refuses(429, 'RATE_LIMITED', {}, { 'retry-after': '60' })(reply, request);
        setImmediate(() => leave.abort(new Error('had to go')));
      },
    ];
    await expect(client.describe('t', { signal: leave.signal })).rejects.toThrow('had to go');
  });
});

describe('a cancel', () => {
  it('that outlasts one request is waited for by the stream, and answered by what the task is then', async () => {
    script = [
      cancel('cancelling'),
      says(202, result),
      streams(event('outcome', cancelled, 'r.9.end'), 'ends'),
      says(200, cancelled),
      says(200, { ...task, outcome: 'cancelled', status: 'cancelled', phase: 'ended', started: false }),
    ];
    expect(await client.cancel('t', { reason: 'r' })).toBe('cancelled_before_start');
    expect(asked.map(({ method, url: path }) => `${method} ${path}`)).toEqual([
      'POST /v1/tasks/t/cancel?wait=30s',
      'GET /v1/tasks/t/result',
      'GET /v1/tasks/t/events',
      'GET /v1/tasks/t/result',
      'GET /v1/tasks/t',
    ]);
  });

  it.each([
    ['cancelled', { started: false }, 'cancelled_before_start'],
    ['cancelled', { started: true }, 'cancelled_running'],
    ['already_cancelled', {}, 'already_cancelled'],
    ['already_completed', {}, 'already_completed'],
    ['already_failed', {}, 'already_failed'],
    ['already_terminated', {}, 'already_terminated'],
    ['already_timed_out', {}, 'already_timed_out'],
  ])('that is answered %s %j is %s', async (status, more, answer) => {
    script = [cancel(status, more)];
    expect(await client.cancel('t')).toBe(answer);
  });

  it('of an unknown task is an answer, of an unknown route an error', async () => {
    script = [refuses(404, 'TASK_UNKNOWN')];
    expect(await client.cancel('t')).toBe('unknown_task');
    script = [refuses(404, 'ROUTE_UNKNOWN')];
    await expect(client.cancel('t')).rejects.toMatchObject({ code: 'ROUTE_UNKNOWN' });
  });
});

describe('a stream', () => {
  const phase = (name: string) => ({ phase: name, started: false, outcome: null, job: null, cancel: null });
  const ended = event('outcome', cancelled, 'r.9.end');

  it('that breaks goes on after the last event that was had, in the middle of another one, too', async () => {
    const half = event('phase', phase('running'), 'r.5.-').slice(0, 20);
    script = [
      streams(`retry: 1000\n\n${event('phase', phase('provisioning'), 'r.2.-')}: still there\n\n${half}`, 'breaks'),
      streams(event('phase', phase('running'), 'r.5.-'), 'ends'),
      refuses(503, 'TEMPORAL_UNREACHABLE', {}, AT_ONCE),
      streams(event('novelty', {}, 'r.6.-') + ended, 'ends'),
    ];
    expect(await Array.fromAsync(client.events('t'))).toEqual([
      { event: 'phase', phase: 'provisioning', started: false },
      { event: 'phase', phase: 'running', started: false },
      { event: 'outcome', outcome: 'cancelled', reason: 'r', started: true },
    ]);
    expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'r.2.-', 'r.5.-', 'r.5.-']);
  });

  it('that is left lets go of its connection', async () => {
    const closed = Promise.withResolvers<void>();
    script = [
      (reply) => {
        reply.writeHead(200, { 'content-type': 'text/event-stream' });
        reply.write(event('phase', phase('provisioning'), 'r.2.-'));
        reply.once('close', closed.resolve);
      },
    ];
    for await (const _ of client.events('t')) break;
    await closed.promise;
  });

  it('of lines goes on after the last one', async () => {
    const line = (text: string) => ({ file: 'p.main.log', time: '2026-01-01T00:00:00Z', text });
    script = [
      streams(event('line', line('one'), 'p.main.log@5'), 'breaks'),
      streams(event('line', line('two'), 'p.main.log@9') + event('end', {}, 'p.main.log@9;ended'), 'ends'),
    ];
    expect(await Array.fromAsync(client.logs('t', { follow: true }))).toEqual([line('one'), line('two')]);
    expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'p.main.log@5']);
  });
});

it('a list goes from page to page until it has enough', async () => {
  const page = (ids: readonly string[], next: string | null) =>
    says(200, { tasks: ids.map((task_id) => ({ ...task, task_id })), next_page_token: next });
  script = [page(['a'], 'p2'), page([], 'p3'), page(['b', 'c'], 'p4')];
  const found = await Array.fromAsync(client.list({ limit: 2 }));
  expect(found.map(({ taskId }) => taskId)).toEqual(['a', 'b']);
  const queries = ['limit=2', 'limit=1&page_token=p2', 'limit=1&page_token=p3'];
  expect(asked.map(({ url: path }) => path)).toEqual(queries.map((query) => `/v1/tasks?${query}`));
});
