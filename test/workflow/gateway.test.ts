/**
 * The HTTP API on a real Temporal: every operation, every answer held against the description. The cluster is a world
 * of answers; what becomes of real containers is the business of test/cluster/gateway.test.ts.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import type { Activities } from '../../src/activities/index.ts';
import { HoldfastClient } from '../../src/client.ts';
import { createApp } from '../../src/gateway/app.ts';
import { SCOPES } from '../../src/gateway/caller.ts';
import { anyone, type Identify } from '../../src/gateway/auth/guard.ts';
import { newestFirst } from '../../src/client/temporal/history.ts';
import { GatewayMetrics } from '../../src/gateway/metrics.ts';
import { createLogger } from '../../src/telemetry.ts';
import { Driver } from '../gateway/driver.ts';
import { realTemporal, type Stage } from './stage.ts';
import { failure, Moment, RELEASED, untilCancelled, world } from './world.ts';

let stage: Stage;
let client: HoldfastClient;
let api: Driver;
const stopping = new AbortController();
const log = createLogger('error');
const body = { workload: 'command', image: 'a' };

beforeAll(async () => {
  stage = await realTemporal();
  ({ client, api } = await gatewayOn(stage.taskQueue, stopping.signal));
});
afterAll(() => stage.close());

async function gatewayOn(taskQueue: string, signal: AbortSignal, identify: Identify = anyone) {
  const logDir = '/nowhere';
  const client = new HoldfastClient(stage.client, { taskQueue, logDir });
  const metrics = new GatewayMetrics();
  const app = await createApp({
    client,
    taskQueue,
    logDir,
    identify,
    rate: 100_000,
    log,
    metrics,
    stopping: signal,
  });
  return { client, api: await Driver.of(app) };
}

/** Starts a task through the API, and waits until it follows its Job, if it gets there. */
async function started(activities: Partial<Activities> = {}, id = `http-${randomUUID()}`): Promise<string> {
  stage.cast(id, world(activities));
  expect(await api.call('startTask', { body: { ...body, id } })).toMatchObject({ status: 201 });
  return id;
}

async function running(more: Partial<Activities> = {}): Promise<string> {
  const { reach, reached } = new Moment();
  const id = await started({ follow: () => (reach(), untilCancelled()), ...more });
  await reached;
  return id;
}

const cancel = (id: string, reason?: string, wait = '30s') =>
  api.call('cancelTask', { at: { id }, query: { wait }, body: reason === undefined ? {} : { reason } });

describe('a start', () => {
  it('that is repeated with the same task finds it, and with another is refused', async () => {
    const id = await started();
    expect(await api.call('startTask', { body: { ...body, id } })).toMatchObject({
      status: 200,
      body: { is_new: false },
    });
    const other = await api.call('startTask', { body: { ...body, image: 'b', id } });
    expect(other).toMatchObject({ status: 409, body: { code: 'TASK_ID_TAKEN' } });
  });

  it('is named by an Idempotency-Key as well as by an id, but not by both', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await api.call('startTaskOfWorkload', { at: { workload: 'command' }, body: { image: 'a' }, headers });
    stage.cast(String(first.body['task_id']), world());
    expect(first).toMatchObject({ status: 201, body: { is_new: true } });
    const { task_id } = first.body;
    expect(await api.call('startTask', { body, headers })).toMatchObject({ status: 200, body: { task_id } });
    const other = await api.call('startTask', { body: { ...body, image: 'b' }, headers });
    expect(other).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
    expect(await api.call('startTask', { body: { ...body, id: 'a' }, headers })).toMatchObject({ status: 400 });
  });

  it('that is refused says every field', async () => {
    const { status, body: told } = await api.call('startTask', { body: { workload: 'command', image: 'A A', cpu: 1 } });
    expect(status).toBe(400);
    expect((told['errors'] as { field: string }[]).map(({ field }) => field).toSorted()).toEqual(['cpu', 'image']);
  });
});

describe('a task', () => {
  it('is seen while it runs, and its result when it has ended', async () => {
    const id = await running();
    const seen = await api.call('describeTask', { at: { id } });
    expect(seen.body).toMatchObject({ task_id: id, status: 'running', phase: 'running', outcome: null, started: true });
    expect(await api.call('readResult', { at: { id } })).toMatchObject({ status: 202, body: { outcome: null } });
    await cancel(id, 'seen enough');
    const ended = await api.call('readResult', { at: { id } });
    expect(ended.body).toMatchObject({ outcome: 'cancelled', output: null, cancellation_reason: 'seen enough' });
  });

  it('is listed by its outcome, workload and the beginning of its id, in pages', async () => {
    const prefix = `list'${randomUUID()}`;
    const ids = [`${prefix}-1`, `${prefix}-2`];
    for (const id of ids) await client.result(await started({}, id));
    const list = (query: Record<string, string>) => api.call('listTasks', { query: { id_prefix: prefix, ...query } });
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
    const id = await running();
    const { status, body: told } = await cancel(id, 'budget is spent');
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
    const id = await running();
    const { body: first } = await cancel(id, 'first');
    const { body: second } = await cancel(id, 'second');
    expect(second).toEqual({ ...first, status: 'already_cancelled', message: expect.any(String) });
    expect((await cancel(id, 'third')).body).toEqual(second);
  });

  it('race with completion: a task that has just completed is already completed, not unknown', async () => {
    const id = await started();
    await client.result(id);
    const { status, body: told } = await cancel(id);
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

  it('race with completion: of many cancels at that instant, each answer is what history says', async () => {
    const cases = Array.from({ length: 24 }, async (_, n) => {
      const { reach, reached } = new Moment();
      const ends = new Moment();
      const id = await started({
        follow: () => (reach(), ends.reached.then(() => ({ kind: 'succeeded', output: { exitCode: 0 } }))),
      });
      await reached;
      // It completes by itself about when the cancel comes: some before, some after.
      setTimeout(ends.reach, n * 8);
      const answer = cancel(id, `n ${n}`);
      const { status, body: told } = await answer;
      const view = await client.describe(id);
      expect({ status, outcome: told['outcome'] }).toEqual({ status: 200, outcome: view.outcome });
      expect(told['status']).toBe(view.outcome === 'cancelled' ? 'cancelled' : 'already_completed');
      expect(told['cancelled_at']).toBe(view.outcome === 'cancelled' ? view.closedAt : null);
    });
    await Promise.all(cases);
  });

  it('cancel after failure: is told that it had failed', async () => {
    const id = await started({ follow: () => Promise.reject(failure('EXIT_CODE')) });
    await client.result(id);
    expect((await cancel(id)).body).toMatchObject({ status: 'already_failed', outcome: 'failed', cancelled_at: null });
  });

  it('of a task that was terminated in Temporal says so', async () => {
    const id = await running();
    await stage.client.workflow.getHandle(id).terminate('operator');
    expect((await cancel(id)).body).toMatchObject({ status: 'already_terminated', outcome: 'terminated' });
  });

  it('cancel of an unknown id: is 404, which says how long tasks are remembered', async () => {
    const { status, body: told } = await cancel('never-seen');
    expect({ status, told }).toMatchObject({ status: 404, told: { code: 'TASK_UNKNOWN' } });
    expect(told['detail']).toMatch(/never started, or it ended more than \d+ (hours?|days) ago/);
  });

  it('of a workflow that is no task is the same, and leaves it alone', async () => {
    const options = { taskQueue: `hf-nobody-${randomUUID()}`, workflowId: `other-${randomUUID()}` };
    const other = await stage.client.workflow.start('somebodyElse', options);
    expect(await cancel(other.workflowId)).toMatchObject({ status: 404, body: { code: 'TASK_UNKNOWN' } });
    expect((await other.describe()).raw.workflowExtendedInfo?.cancelRequested ?? false).toBe(false);
    await other.terminate();
  });

  it('grace period over: a task that Temporal has forgotten is as one never seen', async () => {
    const id = await started();
    await client.result(id);
    const { namespace } = stage.client.options;
    await stage.client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId: id } });
    // Temporal takes half a minute to forget.
    await until('it is forgotten', async () => (await cancel(id)).status === 404);
  }, 120_000);

  it('cancel while pending: with no worker alive it is recorded, and answered alike again', async () => {
    const { api: lonely, client: owner } = await gatewayOn(`hf-nobody-${randomUUID()}`, stopping.signal);
    const id = `http-${randomUUID()}`;
    await lonely.call('startTask', { body: { ...body, id } });
    const ask = { at: { id }, query: { wait: '0s' }, body: { reason: 'changed my mind' } };
    const first = await lonely.call('cancelTask', ask);
    expect(first).toMatchObject({
      status: 202,
      body: {
        status: 'cancelling',
        outcome: null,
        cancelled_at: null,
        cancellation_reason: 'changed my mind',
        left: [],
      },
    });
    expect(first.body['requested_at']).toEqual(expect.any(String));
    expect((await lonely.call('cancelTask', { ...ask, body: { reason: 'other' } })).body).toEqual(first.body);
    expect(await owner.describe(id)).toMatchObject({ open: true, cancelRequested: true });
    expect((await lonely.call('describeTask', { at: { id } })).body).toMatchObject({ status: 'cancelling' });
    expect(await lonely.call('ready')).toMatchObject({ status: 503, body: { temporal: true, workers: false } });
    expect(await lonely.call('ready', { query: { require: 'temporal' } })).toMatchObject({ status: 200 });
    await stage.client.workflow.getHandle(id).terminate('end of the test');
  });

  it.each(['anchor', 'reserve'] as const)(
    'cancel while provisioning: during %s it names what goes on, and nothing is started',
    async (verb) => {
      const { reach, reached } = new Moment();
      const { reach: letGo, reached: answer } = new Moment();
      const well = world();
      const held = {
        [verb]: (...given: never[]) => (reach(), answer.then(() => Reflect.apply(well[verb], well, given))),
      };
      const id = await started({ ...held, release: async () => ({ is: 'released', found: 'nothing' }) });
      await reached;
      expect(await cancel(id, 'early', '0s')).toMatchObject({ status: 202, body: { status: 'cancelling' } });
      letGo();
      // It was settled before this one asked, or by what the first had asked for.
      expect((await cancel(id)).body['status']).toMatch(/^(already_)?cancelled$/);
      expect(await client.describe(id)).toMatchObject({ outcome: 'cancelled', started: false });
    },
  );

  it('that waits in vain names what is left, and ends when the gateway stops', async () => {
    const { reach, reached } = new Moment();
    const { reach: letGo, reached: answer } = new Moment();
    const stop = new AbortController();
    const { api: leaving } = await gatewayOn(stage.taskQueue, stop.signal);
    const id = await running({ release: () => (reach(), answer.then(() => RELEASED)) });
    const waiting = leaving.call('cancelTask', { at: { id }, query: { wait: '5m' }, body: {} });
    await reached;
    stop.abort();
    const { status, body: told, headers } = await waiting;
    expect({ status, told }).toMatchObject({
      status: 202,
      told: { status: 'cancelling', left: [expect.stringMatching(/^Job hf-/)] },
    });
    expect(headers['connection']).toBe('close');
    expect(await leaving.call('ready')).toMatchObject({ status: 503, body: { status: 'stopping' } });
    letGo();
    expect((await cancel(id)).body['outcome']).toBe('cancelled');
  });

  it('by workload works as written, for a workload that there is', async () => {
    const id = await running();
    // As front ends send it that have nothing to say.
    const headers = { 'content-type': 'application/json' };
    const unknown = await api.call('cancelTaskOfWorkload', { at: { workload: 'telepathy', id }, headers });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'WORKLOAD_UNKNOWN' } });
    const told = await api.call('cancelTaskOfWorkload', {
      at: { workload: 'command', id },
      body: { reason: 'r' },
      query: { wait: '30s' },
    });
    expect(told).toMatchObject({ status: 200, body: { status: 'cancelled' } });
  });

  it('that is not understood changes nothing', async () => {
    const id = await running();
    for (const wrong of [
      { query: { wait: '2x' }, body: {} },
      { body: { reason: 'r'.repeat(1_001) } },
      { body: { why: 'x' } },
    ])
      expect(await api.call('cancelTask', { at: { id }, ...wrong })).toMatchObject({ status: 400 });
    expect((await client.describe(id)).cancelRequested).toBe(false);
    await cancel(id);
  });
});

it('cancels every running task that a filter names, and before that says which', async () => {
  const prefix = `bulk-${randomUUID()}`;
  const ids = [`${prefix}-1`, `${prefix}-2`];
  for (const id of ids) await started({ follow: () => untilCancelled() }, id);
  const many = (more: object) => api.call('cancelTasks', { body: { filter: { id_prefix: prefix }, ...more } });
  await until('both are listed', async () => (await many({ dry_run: true })).body['matched'] === 2);
  expect((await many({ dry_run: true })).body).toMatchObject({ more: false, tasks: [{ status: 'would_cancel' }, {}] });
  for (const id of ids) expect((await client.describe(id)).cancelRequested).toBe(false);
  const { body: told } = await many({ reason: 'wrong model' });
  expect((told['tasks'] as { task_id: string }[]).map(({ task_id }) => task_id).toSorted()).toEqual(ids);
  for (const id of ids) expect(await client.result(id)).toMatchObject({ outcome: 'cancelled', reason: 'wrong model' });
});

it('shows nobody a task of another tenant, nor lets anybody touch it', async () => {
  const tenant = () => `tenant-${randomUUID()}`;
  const [ours, theirs] = [tenant(), tenant()];
  const identify: Identify = async (who = '') => ({ name: who, tenant: who, scopes: SCOPES });
  const { api: shared } = await gatewayOn(stage.taskQueue, stopping.signal, identify);
  const as = (authorization: string) => ({ headers: { authorization } });
  const id = `http-${randomUUID()}`;
  stage.cast(id, world({ follow: () => untilCancelled() }));
  const start = { body: { ...body, id } };
  expect(await shared.call('startTask', { ...start, ...as(ours) })).toMatchObject({ status: 201 });
  for (const operation of ['describeTask', 'readResult', 'followTask', 'readLogs'])
    expect(await shared.call(operation, { at: { id }, ...as(theirs) })).toMatchObject({
      status: 404,
      body: { code: 'TASK_UNKNOWN' },
    });
  for (const operation of ['cancelTask', 'cancelTaskOfWorkload']) {
    const refused = await shared.call(operation, { at: { id, workload: 'command' }, body: {}, ...as(theirs) });
    expect(refused).toMatchObject({ status: 404, body: { code: 'TASK_UNKNOWN' } });
  }
  expect(await shared.call('startTask', { ...start, ...as(theirs) })).toMatchObject({ status: 409 });
  const listed = async (who: string) =>
    (await shared.call('listTasks', { query: { id_prefix: id }, ...as(who) })).body['tasks'];
  await until('it is listed', async () => ((await listed(ours)) as unknown[]).length === 1);
  expect(await listed(theirs)).toEqual([]);
  const all = { filter: { id_prefix: id } };
  expect((await shared.call('cancelTasks', { body: all, ...as(theirs) })).body).toMatchObject({ matched: 0 });
  expect((await client.describe(id)).cancelRequested).toBe(false);
  const told = await shared.call('cancelTask', { at: { id }, body: {}, query: { wait: '30s' }, ...as(ours) });
  expect(told).toMatchObject({ status: 200, body: { status: 'cancelled' } });
  expect(await shared.call('describeTask', { at: { id }, ...as(ours) })).toMatchObject({ status: 200 });
  const history = await Array.fromAsync(newestFirst(client.temporal, await client.describe(id)));
  const asked = history.flatMap((event) => event.workflowExecutionCancelRequestedEventAttributes?.identity ?? []);
  expect(asked).toEqual([ours]);
});

it('streams a task to its end, and says where its output is not', async () => {
  const id = await started();
  await client.result(id);
  const { text } = await api.call('followTask', { at: { id } });
  expect(text).toMatch(/^event: phase$/m);
  expect(text).toMatch(/\nid: \S+\.end\nevent: outcome\ndata: \{.*"outcome":"succeeded".*\}\n\n$/);
  const [, last = ''] = /id: (\S+\.end)$/m.exec(text) ?? [];
  expect(await api.call('followTask', { at: { id }, headers: { 'last-event-id': last } })).toMatchObject({
    status: 204,
  });
  expect(await api.call('followTask', { at: { id: 'never-seen' } })).toMatchObject({ status: 404 });
  const silent = await api.call('readLogs', { at: { id } });
  expect(silent).toMatchObject({ status: 404, body: { code: 'LOGS_UNAVAILABLE' } });
});

it('tells how it is', async () => {
  expect(await api.call('live')).toMatchObject({ status: 200 });
  await until('the worker polls', async () => (await api.call('ready')).status === 200);
  const { text } = await api.call('metrics');
  expect(text).toMatch(/^holdfast_gateway_cancels_total\{answer="already_completed"\} [1-9]/m);
  expect(text).toMatch(
    /^holdfast_gateway_requests_total\{method="POST",route="\/v1\/tasks\/:id\/cancel",status="404"\} [1-9]/m,
  );
  expect((await api.call('describeApi')).body['openapi']).toBe('3.1.0');
  expect((await api.call('explainProblem', { at: { code: 'TASK_UNKNOWN' } })).body).toMatchObject({ status: 404 });
});

it('has no operation that is not called here', () => {
  expect(api.undriven).toEqual([]);
});
