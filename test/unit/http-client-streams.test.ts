/** What the HTTP client makes of more than one answer: a cancel that lasts, a stream that breaks, a list of many pages. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WireResult } from '../../src/gateway/wire/task.ts';
import { HoldfastHttpClient } from '../../src/http.ts';
import { type Answer, AT_ONCE, cancel, refuses, says, ScriptedGateway, task } from './scripted-gateway.ts';

let gateway: ScriptedGateway;
let client: HoldfastHttpClient;

beforeEach(async () => {
  gateway = await ScriptedGateway.open();
  client = new HoldfastHttpClient({ url: gateway.url, token: 'secret' });
});
afterEach(() => gateway.close());

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

const event = (name: string, data: object, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
/** What is written, and then the line breaks, or is ended in order. */
const streams = (text: string, ending: 'breaks' | 'ends'): Answer => {
  return (reply) => {
    reply.writeHead(200, { 'content-type': 'text/event-stream' });
    reply.write(text, () => (ending === 'ends' ? reply.end() : reply.destroy()));
  };
};

describe('a cancel', () => {
  it('that outlasts one request is waited for by the stream, and answered by what the task is then', async () => {
    gateway.script = [
      cancel('cancelling'),
      says(202, result),
      streams(event('outcome', cancelled, 'r.9.end'), 'ends'),
      says(200, cancelled),
      says(200, { ...task, outcome: 'cancelled', status: 'cancelled', phase: 'ended', started: false }),
    ];
    expect(await client.cancel('t', { reason: 'r' })).toBe('cancelled_before_start');
    expect(gateway.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
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
    gateway.script = [cancel(status, more)];
    expect(await client.cancel('t')).toBe(answer);
  });

  it('of an unknown task is an answer, of an unknown route an error', async () => {
    gateway.script = [refuses(404, 'TASK_UNKNOWN')];
    expect(await client.cancel('t')).toBe('unknown_task');
    gateway.script = [refuses(404, 'ROUTE_UNKNOWN')];
    await expect(client.cancel('t')).rejects.toMatchObject({ code: 'ROUTE_UNKNOWN' });
  });
});

describe('a stream', () => {
  const phase = (name: string) => ({ phase: name, started: false, outcome: null, job: null, cancel: null });
  const ended = event('outcome', cancelled, 'r.9.end');

  it('that breaks goes on after the last event that was had, in the middle of another one, too', async () => {
    const half = event('phase', phase('running'), 'r.5.-').slice(0, 20);
    gateway.script = [
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
    expect(gateway.asked.map(({ headers }) => headers['last-event-id'])).toEqual([
      undefined,
      'r.2.-',
      'r.5.-',
      'r.5.-',
    ]);
  });

  it('that is left lets go of its connection', async () => {
    const closed = Promise.withResolvers<void>();
    gateway.script = [
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
    gateway.script = [
      streams(event('line', line('one'), 'p.main.log@5'), 'breaks'),
      streams(event('line', line('two'), 'p.main.log@9') + event('end', {}, 'p.main.log@9;ended'), 'ends'),
    ];
    expect(await Array.fromAsync(client.logs('t', { follow: true }))).toEqual([line('one'), line('two')]);
    expect(gateway.asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'p.main.log@5']);
  });
});

it('a list goes from page to page until it has enough', async () => {
  const page = (ids: readonly string[], next: string | null) =>
    says(200, { tasks: ids.map((task_id) => ({ ...task, task_id })), next_page_token: next });
  gateway.script = [page(['a'], 'p2'), page([], 'p3'), page(['b', 'c'], 'p4')];
  const found = await Array.fromAsync(client.list({ limit: 2 }));
  expect(found.map(({ taskId }) => taskId)).toEqual(['a', 'b']);
  const queries = ['limit=2', 'limit=1&page_token=p2', 'limit=1&page_token=p3'];
  expect(gateway.asked.map(({ url }) => url)).toEqual(queries.map((query) => `/v1/tasks?${query}`));
});
