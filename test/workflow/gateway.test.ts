/**
 * The HTTP API on a real Temporal: every operation, every answer held against the description. The cluster is a world
 * of answers; what becomes of real containers is the business of test/cluster/gateway.test.ts.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import { BODY, GatewayStage } from './gateway-stage.ts';
import { failure, untilCancelled, world } from './world.ts';

let scene: GatewayStage;

beforeAll(async () => {
  scene = await GatewayStage.open();
});
afterAll(() => scene.close());

describe('a start', () => {
  it('that is repeated with the same task finds it, and with another is refused', async () => {
    const id = await scene.started();
    expect(await scene.api.call('startTask', { body: { ...BODY, id } })).toMatchObject({
      status: 200,
      body: { is_new: false },
    });
    const other = await scene.api.call('startTask', { body: { ...BODY, image: 'b', id } });
    expect(other).toMatchObject({ status: 409, body: { code: 'TASK_ID_TAKEN' } });
  });

  it('is named by an Idempotency-Key as well as by an id, but not by both', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await scene.api.call('startTaskOfWorkload', {
      at: { workload: 'command' },
      body: { image: 'a' },
      headers,
    });
    scene.stage.cast(String(first.body['task_id']), world());
    expect(first).toMatchObject({ status: 201, body: { is_new: true } });
    const { task_id } = first.body;
    expect(await scene.api.call('startTask', { body: BODY, headers })).toMatchObject({
      status: 200,
      body: { task_id },
    });
    const other = await scene.api.call('startTask', { body: { ...BODY, image: 'b' }, headers });
    expect(other).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
    expect(await scene.api.call('startTask', { body: { ...BODY, id: 'a' }, headers })).toMatchObject({ status: 400 });
  });

  it('that is refused says every field', async () => {
    const { status, body: told } = await scene.api.call('startTask', {
      body: { workload: 'command', image: 'A A', cpu: 1 },
    });
    expect(status).toBe(400);
    expect((told['errors'] as { field: string }[]).map(({ field }) => field).toSorted()).toEqual(['cpu', 'image']);
  });
});

describe('a task', () => {
  it('is seen while it runs, and its result when it has ended', async () => {
    const id = await scene.running();
    const seen = await scene.api.call('describeTask', { at: { id } });
    expect(seen.body).toMatchObject({ task_id: id, status: 'running', phase: 'running', outcome: null, started: true });
    expect(await scene.api.call('readResult', { at: { id } })).toMatchObject({ status: 202, body: { outcome: null } });
    await scene.cancel(id, 'seen enough');
    const ended = await scene.api.call('readResult', { at: { id } });
    expect(ended.body).toMatchObject({ outcome: 'cancelled', output: null, cancellation_reason: 'seen enough' });
  });

  it('is listed by its outcome, workload and the beginning of its id, in pages', async () => {
    const prefix = `list'${randomUUID()}`;
    const ids = [`${prefix}-1`, `${prefix}-2`];
    for (const id of ids) await scene.client.result(await scene.started({}, id));
    const list = (query: Record<string, string>) =>
      scene.api.call('listTasks', { query: { id_prefix: prefix, ...query } });
    const named = async (query: Record<string, string>) => {
      const { body: page } = await list(query);
      return (page['tasks'] as { task_id: string }[]).map(({ task_id }) => task_id).toSorted();
    };
    await until('both are listed', async () => (await named({ status: 'succeeded' })).length === 2);
    expect(await named({ workload: 'command' })).toEqual(ids);
    expect(await named({ workload: 'evaluation' })).toEqual([]);
    expect(await named({ status: 'running' })).toEqual([]);
    const { body: first } = await list({ limit: '1' });
    expect(first['tasks']).toHaveLength(1);
    expect(await named({ limit: '1', page_token: String(first['next_page_token']) })).toHaveLength(1);
    expect(await list({ page_token: 'no-such-page' })).toMatchObject({ status: 400, body: { code: 'INPUT_INVALID' } });
  });
});

describe('a cancel', () => {
  it('normal cancellation: answers when it is proved, with when and why', async () => {
    const id = await scene.running();
    const { status, body: told } = await scene.cancel(id, 'budget is spent');
    expect({ status, told }).toMatchObject({
      status: 200,
      told: {
        task_id: id,
        status: 'cancelled',
        outcome: 'cancelled',
        phase: 'ended',
        cancellation_reason: 'budget is spent',
        left: [],
      },
    });
    expect(told['cancelled_at']).toBe(told['completed_at']);
    expect(String(told['requested_at']) <= String(told['completed_at'])).toBe(true);
  });

  it('cancel twice: is answered alike whoever asks again, however often, and whatever reason is given then', async () => {
    const id = await scene.running();
    const { body: first } = await scene.cancel(id, 'first');
    const { body: second } = await scene.cancel(id, 'second');
    expect(second).toEqual({ ...first, status: 'already_cancelled', message: expect.any(String) });
    expect((await scene.cancel(id, 'third')).body).toEqual(second);
  });

  it('race with completion: a task that has just completed is already completed, not unknown', async () => {
    const id = await scene.started();
    await scene.client.result(id);
    const { status, body: told } = await scene.cancel(id);
    expect({ status, told }).toMatchObject({
      status: 200,
      told: {
        status: 'already_completed',
        outcome: 'succeeded',
        cancelled_at: null,
        cancellation_reason: null,
        requested_at: null,
      },
    });
    expect(told['message']).toBe(`Task ${id} was already completed before the cancellation request.`);
  });

  it('cancel after failure: is told that it had failed', async () => {
    const id = await scene.started({ follow: () => Promise.reject(failure('EXIT_CODE')) });
    await scene.client.result(id);
    expect((await scene.cancel(id)).body).toMatchObject({
      status: 'already_failed',
      outcome: 'failed',
      cancelled_at: null,
    });
  });

  it('of a task that was terminated in Temporal says so', async () => {
    const id = await scene.running();
    await scene.stage.client.workflow.getHandle(id).terminate('operator');
    expect((await scene.cancel(id)).body).toMatchObject({ status: 'already_terminated', outcome: 'terminated' });
  });

  it('cancel of an unknown id: is 404, which says how long tasks are remembered', async () => {
    const { status, body: told } = await scene.cancel('never-seen');
    expect({ status, told }).toMatchObject({ status: 404, told: { code: 'TASK_UNKNOWN' } });
    expect(told['detail']).toMatch(/never started, or it ended more than \d+ (hours?|days) ago/);
  });

  it('by workload works as written, for a workload that there is', async () => {
    const id = await scene.running();
    // As front ends send it that have nothing to say.
    const headers = { 'content-type': 'application/json' };
    const unknown = await scene.api.call('cancelTaskOfWorkload', { at: { workload: 'telepathy', id }, headers });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'WORKLOAD_UNKNOWN' } });
    const told = await scene.api.call('cancelTaskOfWorkload', {
      at: { workload: 'command', id },
      body: { reason: 'r' },
      query: { wait: '30s' },
    });
    expect(told).toMatchObject({ status: 200, body: { status: 'cancelled' } });
  });

  it('that is not understood changes nothing', async () => {
    const id = await scene.running();
    for (const wrong of [
      { query: { wait: '2x' }, body: {} },
      { body: { reason: 'r'.repeat(1_001) } },
      { body: { why: 'x' } },
    ])
      expect(await scene.api.call('cancelTask', { at: { id }, ...wrong })).toMatchObject({ status: 400 });
    expect((await scene.client.describe(id)).cancelRequested).toBe(false);
    await scene.cancel(id);
  });
});

it('cancels every running task that a filter names, and before that says which', async () => {
  const prefix = `bulk-${randomUUID()}`;
  const ids = [`${prefix}-1`, `${prefix}-2`];
  for (const id of ids) await scene.started({ follow: () => untilCancelled() }, id);
  const many = (more: object) => scene.api.call('cancelTasks', { body: { filter: { id_prefix: prefix }, ...more } });
  await until('both are listed', async () => (await many({ dry_run: true })).body['matched'] === 2);
  expect((await many({ dry_run: true })).body).toMatchObject({
    tasks: [{ status: 'would_cancel' }, {}],
    next_page_token: null,
  });
  const first = (await many({ dry_run: true, limit: 1 })).body;
  const second = (await many({ dry_run: true, limit: 1, page_token: first['next_page_token'] })).body;
  const named = [first, second].flatMap(({ tasks }) => tasks as { task_id: string }[]);
  expect(named.map(({ task_id }) => task_id).toSorted()).toEqual(ids);
  expect(await many({ page_token: 'no-such-page' })).toMatchObject({ status: 400, body: { code: 'INPUT_INVALID' } });
  for (const id of ids) expect((await scene.client.describe(id)).cancelRequested).toBe(false);
  const { body: told } = await many({ reason: 'wrong model' });
  expect((told['tasks'] as { task_id: string }[]).map(({ task_id }) => task_id).toSorted()).toEqual(ids);
  for (const id of ids)
    expect(await scene.client.result(id)).toMatchObject({ outcome: 'cancelled', reason: 'wrong model' });
});

it('kills nothing, for it has no access to Kubernetes; with it, see gateway-kill.test.ts', async () => {
  const id = await scene.running();
  const refused = await scene.api.call('killTask', { at: { id }, body: {} });
  expect(refused).toMatchObject({ status: 501, body: { code: 'KILL_UNAVAILABLE' } });
  expect(await scene.cancel(id)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
});

it('streams a task to its end, and says where its output is not', async () => {
  const id = await scene.started();
  await scene.client.result(id);
  const { text } = await scene.api.call('followTask', { at: { id } });
  expect(text).toMatch(/^event: phase$/m);
  expect(text).toMatch(/\nid: \S+\.end\nevent: outcome\ndata: \{.*"outcome":"succeeded".*\}\n\n$/);
  const [, last = ''] = /id: (\S+\.end)$/m.exec(text) ?? [];
  expect(await scene.api.call('followTask', { at: { id }, headers: { 'last-event-id': last } })).toMatchObject({
    status: 204,
  });
  expect(await scene.api.call('followTask', { at: { id: 'never-seen' } })).toMatchObject({ status: 404 });
  const silent = await scene.api.call('readLogs', { at: { id } });
  expect(silent).toMatchObject({ status: 404, body: { code: 'LOGS_UNAVAILABLE' } });
});

it('tells how it is', async () => {
  expect(await scene.api.call('live')).toMatchObject({ status: 200 });
  await until('the worker polls', async () => (await scene.api.call('ready')).status === 200);
  expect((await scene.api.call('ready')).body['retention_seconds']).toBeGreaterThanOrEqual(3_600);
  const { text } = await scene.api.call('metrics');
  expect(text).toMatch(/^holdfast_gateway_cancels_total\{answer="already_completed"\} [1-9]/m);
  expect(text).toMatch(/^holdfast_gateway_cancels_total\{answer="unknown_task"\} [1-9]/m);
  expect(text).toMatch(
    /^holdfast_gateway_requests_total\{method="POST",route="\/v1\/tasks\/:id\/cancel",status="404"\} [1-9]/m,
  );
  expect((await scene.api.call('describeApi')).body['openapi']).toBe('3.1.0');
  expect((await scene.api.call('explainProblem', { at: { code: 'TASK_UNKNOWN' } })).body).toMatchObject({
    status: 404,
  });
});

it('has no operation that is not called here', () => {
  expect(scene.api.undriven).toEqual([]);
});
