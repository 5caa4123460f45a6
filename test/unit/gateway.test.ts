/** What the HTTP API says before Temporal has a say, and when Temporal has none. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/errors.ts';
import { queryOf } from '../../src/gateway/list.ts';
import { GATEWAY_METRICS, type GatewayMetricEntry } from '../../src/gateway/metrics.ts';
import { Driver } from '../gateway/driver.ts';
import { gatewayWithoutTemporal } from './gateway-stage.ts';

let app: Awaited<ReturnType<typeof gatewayWithoutTemporal>>;
let api: Driver;

beforeAll(async () => {
  app = await gatewayWithoutTemporal();
  api = await Driver.of(app);
});
afterAll(() => app.close());

describe('a refusal', () => {
  it('says what happened, why, what to do, and under which id the log has it', async () => {
    const { status, body, headers } = await api.call('startTask', {
      body: { workload: 'command', image: 'A A' },
      headers: { 'x-request-id': 'mine-1' },
    });
    expect({ status, body }).toEqual({
      status: 400,
      body: {
        type: '/problems/INPUT_INVALID',
        title: 'Bad Request',
        status: 400,
        code: 'INPUT_INVALID',
        detail: expect.stringContaining('image is "A A"'),
        next: ERRORS.INPUT_INVALID.next,
        facts: { total: 1 },
        errors: [{ field: 'image', message: expect.stringContaining('it must be an image reference') }],
        request_id: 'mine-1',
      },
    });
    expect(headers).toMatchObject({ 'content-type': 'application/problem+json', 'x-request-id': 'mine-1' });
  });

  it.each([
    ['GET', '/nowhere', 404, 'ROUTE_UNKNOWN', {}],
    ['DELETE', '/v1/tasks/a', 404, 'ROUTE_UNKNOWN', {}],
    ['POST', '/v1/ocr/tasks/a/cancel', 404, 'WORKLOAD_UNKNOWN', { payload: {} }],
    ['POST', '/v1/ocr/tasks', 404, 'WORKLOAD_UNKNOWN', { payload: {} }],
    ['POST', '/v1/command/tasks', 400, 'INPUT_INVALID', { payload: { workload: 'evaluation' } }],
    ['POST', '/v1/tasks', 400, 'INPUT_INVALID', { payload: '{', headers: { 'content-type': 'application/json' } }],
    ['POST', '/v1/tasks', 400, 'INPUT_INVALID', { payload: [1] }],
    ['POST', '/v1/tasks', 415, 'MEDIA_TYPE_UNSUPPORTED', { payload: 'a=b', headers: { 'content-type': 'text/csv' } }],
    ['POST', '/v1/tasks', 413, 'INPUT_TOO_LARGE', { payload: { image: 'a'.repeat(5_000_000) } }],
    ['POST', '/v1/tasks/a/cancel', 413, 'INPUT_TOO_LARGE', { payload: { reason: 'a'.repeat(100_000) } }],
    ['POST', '/v1/tasks/a/cancel?wait=soon', 400, 'INPUT_INVALID', { payload: {} }],
    ['POST', '/v1/tasks/a/cancel?wait=6m', 400, 'INPUT_INVALID', { payload: {} }],
    ['GET', '/v1/tasks?limit=0', 400, 'INPUT_INVALID', {}],
    ['GET', '/v1/tasks?status=done', 400, 'INPUT_INVALID', {}],
    ['GET', '/v1/tasks?page_token=x', 400, 'INPUT_INVALID', {}],
    ['POST', '/v1/tasks/cancel', 400, 'INPUT_INVALID', { payload: {} }],
    ['GET', '/problems/NO_SUCH', 404, 'ROUTE_UNKNOWN', {}],
  ] as const)('of %s %s is %i %s', async (method, url, status, code, more) => {
    const answer = await app.inject({ method, url, ...more });
    expect({ status: answer.statusCode, ...answer.json<object>() }).toMatchObject({ status, code });
  });

  it('of a start names every field that is wrong, whether body, path or headers say so', async () => {
    const fieldsOf = ({ body }: { readonly body: Readonly<Record<string, unknown>> }) =>
      (body['errors'] as readonly { field: string }[]).map(({ field }) => field);
    const wrong = { workload: 'command', image: 'A A', id: 'a ', priority: 9 };
    expect(fieldsOf(await api.call('startTask', { body: wrong }))).toEqual(['id', 'priority', 'image']);
    const twice = { at: { workload: 'evaluation' }, body: wrong, headers: { 'idempotency-key': 'k' } };
    const refused = await api.call('startTaskOfWorkload', twice);
    expect(fieldsOf(refused)).toEqual(['workload', 'id', 'priority', 'image']);
    expect(refused.body).toMatchObject({
      code: 'INPUT_INVALID',
      detail: expect.stringContaining(
        'workload is "command"; the path says evaluation. id is given, and an Idempotency',
      ),
    });
  });

  it('never repeats an id that could do harm in a log', async () => {
    const { headers } = await app.inject({ url: '/livez', headers: { 'x-request-id': 'a b\u001b[2J' } });
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('with Temporal away', () => {
  it('a request is told so, and may be repeated; the process lives, but is not ready', async () => {
    const [cancel, ready, live] = await Promise.all([
      api.call('cancelTask', { at: { id: 'a' }, body: {} }),
      api.call('ready', { query: { require: 'temporal' } }),
      api.call('live'),
    ]);
    expect(cancel).toMatchObject({ status: 503, body: { code: 'TEMPORAL_UNREACHABLE' } });
    expect(ready).toMatchObject({ status: 503, body: { status: 'not_ready', temporal: false } });
    expect(live).toMatchObject({ status: 200 });
  });
});

describe('a filter', () => {
  it("is asked of Temporal in its own words, whatever is in the caller's", () => {
    expect(queryOf({})).toBe("WorkflowType = 'runTask'");
    expect(queryOf({ status: ['failed', 'cancelled'], id_prefix: "a' OR 1=1 \\" })).toBe(
      "WorkflowType = 'runTask' AND (ExecutionStatus = 'Failed' OR ExecutionStatus = 'Canceled') AND WorkflowId STARTS_WITH 'a'' OR 1=1 \\\\'",
    );
  });
});

it('every metric of the gateway stands in docs/runbook.md with its type and labels, and no other does', () => {
  const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
  const section = runbook.split('\n## Metrics of the gateway')[1]?.split('\n## ')[0] ?? '';
  const rows = [...section.matchAll(/^\| `(holdfast_\w+)` +\| (\w+) +\| (.*?) +\|/gm)];
  const labelsOf = ({ labels }: GatewayMetricEntry) =>
    Object.entries(labels).map(([label, values]) =>
      values === 'any' ? `\`${label}\`` : `\`${label}\`: ${values.map((value) => `\`${value}\``).join(', ')}`,
    );
  expect(rows.map(([, ...cells]) => cells)).toEqual(
    Object.values(GATEWAY_METRICS).map((entry) => [entry.name, entry.type, labelsOf(entry).join(', ')]),
  );
});
