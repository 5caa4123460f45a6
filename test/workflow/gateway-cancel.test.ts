/** Cancels over HTTP when something else happens at the same moment, or nothing does. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import { newestFirst } from '../../src/client/temporal/history.ts';
import type { Identify } from '../../src/gateway/auth/guard.ts';
import { SCOPES } from '../../src/gateway/caller.ts';
import { BODY, GatewayStage } from './gateway-stage.ts';
import { Moment, RELEASED, untilCancelled, world } from './world.ts';

let scene: GatewayStage;

beforeAll(async () => {
  scene = await GatewayStage.open();
});
afterAll(() => scene.close());

describe('a cancel', () => {
  it('race with completion: of many cancels at that instant, each answer is what history says', async () => {
    const cases = Array.from({ length: 24 }, async (_, n) => {
      const { reach, reached } = new Moment();
      const ends = new Moment();
      const id = await scene.started({
        follow: () => (reach(), ends.reached.then(() => ({ kind: 'succeeded', output: { exitCode: 0 } }))),
      });
      await reached;
      // It completes by itself about when the cancel comes: some before, some after.
      setTimeout(ends.reach, n * 8);
      const answer = scene.cancel(id, `n ${n}`);
      const { status, body: told } = await answer;
      const view = await scene.client.describe(id);
      expect({ status, outcome: told['outcome'] }).toEqual({ status: 200, outcome: view.outcome });
      expect(told['status']).toBe(view.outcome === 'cancelled' ? 'cancelled' : 'already_completed');
      expect(told['cancelled_at']).toBe(view.outcome === 'cancelled' ? view.closedAt : null);
    });
    await Promise.all(cases);
  });

  it('of a workflow that is no task is the same, and leaves it alone', async () => {
    const options = { taskQueue: `hf-nobody-${randomUUID()}`, workflowId: `other-${randomUUID()}` };
    const other = await scene.stage.client.workflow.start('somebodyElse', options);
    expect(await scene.cancel(other.workflowId)).toMatchObject({ status: 404, body: { code: 'TASK_UNKNOWN' } });
    expect((await other.describe()).raw.workflowExtendedInfo?.cancelRequested ?? false).toBe(false);
    await other.terminate();
  });

  it('grace period over: a task that Temporal has forgotten is as one never seen', async () => {
    const id = await scene.started();
    await scene.client.result(id);
    const { namespace } = scene.stage.client.options;
    await scene.stage.client.workflowService.deleteWorkflowExecution({
      namespace,
      workflowExecution: { workflowId: id },
    });
    // Temporal takes half a minute to forget.
    await until('it is forgotten', async () => (await scene.cancel(id)).status === 404);
  }, 120_000);

  it('cancel while pending: with no worker alive it is recorded, and answered alike again', async () => {
    const { api: lonely, client: owner } = await scene.another({ taskQueue: `hf-nobody-${randomUUID()}` });
    const id = `http-${randomUUID()}`;
    await lonely.call('startTask', { body: { ...BODY, id } });
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
    await scene.stage.client.workflow.getHandle(id).terminate('end of the test');
  });

  it('cancel while provisioning names what goes on, and nothing is started', async () => {
    const { reach, reached } = new Moment();
    const { reach: letGo, reached: answer } = new Moment();
    const well = world();
    const id = await scene.started({
      provision: (run, task) => (reach(), answer.then(() => well.provision(run, task))),
      release: async () => ({ is: 'released', found: 'nothing' }),
    });
    await reached;
    expect(await scene.cancel(id, 'early', '0s')).toMatchObject({ status: 202, body: { status: 'cancelling' } });
    letGo();
    // It was settled before this one asked, or by what the first had asked for.
    expect((await scene.cancel(id)).body['status']).toMatch(/^(already_)?cancelled$/);
    expect(await scene.client.describe(id)).toMatchObject({ outcome: 'cancelled', started: false });
  });

  it('that waits in vain names what is left, and ends when the gateway stops', async () => {
    const { reach, reached } = new Moment();
    const { reach: letGo, reached: answer } = new Moment();
    const stop = new AbortController();
    const { api: leaving } = await scene.another({ stopping: stop.signal });
    const id = await scene.running({ release: () => (reach(), answer.then(() => RELEASED)) });
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
    expect((await scene.cancel(id)).body['outcome']).toBe('cancelled');
  });
});

it('shows nobody a task of another tenant, nor lets anybody touch it', async () => {
  const tenant = () => `tenant-${randomUUID()}`;
  const [ours, theirs] = [tenant(), tenant()];
  const identify: Identify = async (who = '') => ({ name: who, tenant: who, scopes: SCOPES });
  const { api: shared } = await scene.another({ identify });
  const as = (authorization: string) => ({ headers: { authorization } });
  const id = `http-${randomUUID()}`;
  scene.stage.cast(id, world({ follow: () => untilCancelled() }));
  const start = { body: { ...BODY, id } };
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
  expect((await scene.client.describe(id)).cancelRequested).toBe(false);
  const told = await shared.call('cancelTask', { at: { id }, body: {}, query: { wait: '30s' }, ...as(ours) });
  expect(told).toMatchObject({ status: 200, body: { status: 'cancelled' } });
  expect(await shared.call('describeTask', { at: { id }, ...as(ours) })).toMatchObject({ status: 200 });
  const history = await Array.fromAsync(newestFirst(scene.client.temporal, await scene.client.describe(id)));
  const asked = history.flatMap((event) => event.workflowExecutionCancelRequestedEventAttributes?.identity ?? []);
  expect(asked).toEqual([ours]);
});
