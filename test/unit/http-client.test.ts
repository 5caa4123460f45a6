/** What the HTTP client asks, and what it makes of a refusal or of silence. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HoldfastHttpClient } from '../../src/http.ts';
import { type Answer, AT_ONCE, cancel, refuses, says, ScriptedGateway, task } from './scripted-gateway.ts';

let gateway: ScriptedGateway;
let client: HoldfastHttpClient;

beforeEach(async () => {
  gateway = await ScriptedGateway.open();
  client = new HoldfastHttpClient({ url: gateway.url, token: 'secret' });
});
afterEach(() => gateway.close());

const lost: Answer = (reply) => reply.destroy();
const started = says(201, { task_id: 't', run_id: 'r', is_new: true });
const TASK = { workload: 'command', image: 'a' } as const;

describe('a request', () => {
  it('says who asks, and keeps what stands in the path apart', async () => {
    gateway.script = [says(200, task)];
    expect(await client.describe('a/b ?ü')).toMatchObject({ taskId: 't', open: true });
    expect(gateway.asked[0]).toMatchObject({ method: 'GET', url: '/v1/tasks/a%2Fb%20%3F%C3%BC' });
    expect(gateway.asked[0]?.headers.authorization).toBe('Bearer secret');
  });

  it('takes the token anew each time, and the path of a gateway that does not stand at the root', async () => {
    let count = 0;
    gateway.script = [says(200, task)];
    const fresh = new HoldfastHttpClient({
      url: `${gateway.url}/holdfast/`,
      token: async () => `token-${(count += 1)}`,
    });
    await fresh.describe('t');
    await fresh.describe('t');
    expect(gateway.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
    expect(gateway.asked[0]?.url).toBe('/holdfast/v1/tasks/t');
  });
});

describe('a refusal', () => {
  it('is the error that was thrown in the gateway: code, sentence, next step, facts, fields', async () => {
    const errors = [{ field: 'image', message: 'is "A".' }];
    gateway.script = [refuses(413, 'INPUT_TOO_LARGE', { facts: { limit: 5, actual: 7 }, errors })];
    await expect(client.start(TASK)).rejects.toMatchObject({
      name: 'HoldfastError',
      code: 'INPUT_TOO_LARGE',
      message: 'It is so.',
      next: 'Do it.',
      facts: { limit: 5, actual: 7, problems: errors, requestId: 'r-1' },
    });
    expect(gateway.asked).toHaveLength(1);
  });

  it('with a code that is not known here keeps its words', async () => {
    gateway.script = [refuses(418, 'TEAPOT')];
    const error = { code: 'GATEWAY_FAULT', message: 'It is so.', next: 'Do it.', facts: { code: 'TEAPOT' } };
    await expect(client.describe('t')).rejects.toMatchObject(error);
  });

  it('of something that is no gateway says so', async () => {
    gateway.script = [(reply) => reply.writeHead(404, { 'content-type': 'text/html' }).end('<h1>no</h1>')];
    await expect(client.describe('t')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/answered 404/),
    });
    gateway.script = [(reply) => reply.writeHead(200, { 'content-type': 'text/html' }).end('<h1>hello</h1>')];
    await expect(client.kill('t')).rejects.toMatchObject({ code: 'GATEWAY_UNREACHABLE' });
  });
});

describe('what did not come through', () => {
  it('is asked again where that is safe: a look, a cancel, a start with the same id', async () => {
    gateway.script = [lost, refuses(503, 'TEMPORAL_UNREACHABLE', {}, AT_ONCE), says(200, task)];
    expect(await client.describe('t')).toMatchObject({ taskId: 't' });
    gateway.script = [lost, cancel('cancelled')];
    expect(await client.cancel('t')).toBe('cancelled_running');
    gateway.asked.length = 0;
    gateway.script = [lost, started];
    expect(await client.start(TASK)).toEqual({ taskId: 't', runId: 'r', isNew: true });
    const [first, second] = gateway.asked.map(({ body }) => body);
    expect(first).toMatch(/"id":"command-[0-9a-f-]{36}"/);
    expect(second).toBe(first);
  });

  it('is not asked again where it is not: a kill', async () => {
    gateway.script = [lost];
    await expect(client.kill('t')).rejects.toMatchObject({ code: 'GATEWAY_UNREACHABLE', facts: { url: gateway.url } });
    gateway.script = [refuses(503, 'KUBERNETES_UNREACHABLE', {}, AT_ONCE)];
    await expect(client.kill('t')).rejects.toMatchObject({ code: 'KUBERNETES_UNREACHABLE' });
    expect(gateway.asked).toHaveLength(2);
  });

  it('was refused for its number is asked again, whatever it is: nothing was done', async () => {
    const report = { task_id: 't', answer: 'killed', was: 'open', pods: [], left: [] };
    gateway.script = [refuses(429, 'RATE_LIMITED', {}, AT_ONCE), says(200, report)];
    expect(await client.kill('t')).toEqual({ taskId: 't', answer: 'killed', was: 'open', pods: [], left: [] });
  });

  it('is given up after five attempts, or when the wait would be long', async () => {
    gateway.script = [refuses(429, 'RATE_LIMITED', {}, AT_ONCE)];
    await expect(client.describe('t')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(gateway.asked).toHaveLength(5);
    gateway.script = [refuses(429, 'RATE_LIMITED', {}, { 'retry-after': '3600' })];
    await expect(client.describe('t')).rejects.toMatchObject({ facts: { retryAfterSeconds: 3_600 } });
    expect(gateway.asked).toHaveLength(6);
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
    gateway.script = [
      (reply, request) => {
        refuses(429, 'RATE_LIMITED', {}, { 'retry-after': '60' })(reply, request);
        setImmediate(() => leave.abort(new Error('had to go')));
      },
    ];
    await expect(client.describe('t', { signal: leave.signal })).rejects.toThrow('had to go');
  });
});
