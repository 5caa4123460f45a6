/** A kill over HTTP: who may, of what, and how it is told. What it does to containers is told in test/cluster. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HoldfastClient, HoldfastError, type DirectKillOptions, type KillReport } from '../../src/client.ts';
import { createApp } from '../../src/gateway/app.ts';
import type { Identify } from '../../src/gateway/auth/guard.ts';
import { SCOPES } from '../../src/gateway/caller.ts';
import { GatewayMetrics } from '../../src/gateway/metrics.ts';
import { createLogger } from '../../src/telemetry.ts';
import { Driver } from '../gateway/driver.ts';
import { realTemporal, type Stage, TASK } from './stage.ts';

let stage: Stage;
let client: HoldfastClient;
let api: Driver;
/** What Kubernetes is asked for, and what it answers. */
let asked: (readonly [string, DirectKillOptions | undefined])[] = [];
const ids: string[] = [];
let answer: (taskId: string) => Promise<KillReport>;

/** The tenant is what stands in the header; whoever says `reader` has every scope but kill. */
const identify: Identify = async (who = '') => ({
  name: `key:${who}`,
  tenant: who,
  scopes: SCOPES.filter((scope) => who !== 'reader' || scope !== 'kill'),
});

beforeAll(async () => {
  stage = await realTemporal();
  // Nobody polls there: a kill needs no worker.
  const settings = { taskQueue: `hf-nobody-${randomUUID()}`, logDir: '/nowhere' };
  client = new HoldfastClient(stage.client, settings);
  client.kill = (taskId, options) => (asked.push([taskId, options]), answer(taskId));
  api = await Driver.of(await gateway({ mayKill: true }));
});
afterAll(async () => {
  for (const id of ids) await stage.client.workflow.getHandle(id).terminate('end of the test');
  await stage.close();
});

function gateway(more: { readonly mayKill?: boolean }) {
  const stopping = new AbortController().signal;
  const told = { log: createLogger('error'), metrics: new GatewayMetrics() };
  const settings = { client, taskQueue: 'none', logDir: '/nowhere', rate: 100_000, identify, stopping };
  return createApp({ ...settings, ...told, ...more });
}

async function started(tenant = 'ours'): Promise<string> {
  asked = [];
  const { taskId } = await client.start(TASK, { tenant });
  ids.push(taskId);
  return taskId;
}

const kill = (id: string, body: object = {}, authorization = 'ours') =>
  api.call('killTask', { at: { id }, body, headers: { authorization } });

const REPORT = { answer: 'killed', was: 'open', pods: [], left: [] } as const;

describe('a kill', () => {
  it('is told Pod by Pod, with who asked and why in the order', async () => {
    const id = await started();
    const why = 'its node did not say within 60 s that it ended';
    const pods = [
      { name: 'p1', node: 'n1', end: 'may_run', nodeState: 'not_ready', why },
      { name: 'p2', end: 'never_ran' },
    ] as const;
    const left = [{ kind: 'Job', name: 'j', why: 'it is being deleted, and not gone yet' }] as const;
    answer = async (taskId) => ({ taskId, answer: 'killed_unproved', was: 'open', pods, left });
    expect(await kill(id, { reason: 'its node is stuck', wait: '1m' })).toMatchObject({
      status: 200,
      body: {
        task_id: id,
        answer: 'killed_unproved',
        was: 'open',
        pods: [
          { name: 'p1', node: 'n1', end: 'may_run', node_state: 'not_ready', why },
          { name: 'p2', node: null, end: 'never_ran', node_state: null, why: null },
        ],
        left,
      },
    });
    expect(asked).toEqual([[id, { reason: 'its node is stuck', by: 'key:ours', waitSeconds: 60 }]]);
    const { text } = await api.call('metrics');
    expect(text).toMatch(/^holdfast_gateway_kills_total\{answer="killed_unproved"\} 1$/m);
  });

  it('reaches no task of another tenant, none that Temporal does not know, and nobody without the scope', async () => {
    const id = await started();
    answer = async (taskId) => ({ taskId, ...REPORT });
    expect(await kill(id, {}, 'theirs')).toMatchObject({ status: 404, body: { code: 'TASK_UNKNOWN' } });
    expect(await kill('never-seen')).toMatchObject({ status: 404, body: { code: 'TASK_UNKNOWN' } });
    expect(await kill(await started('reader'), {}, 'reader')).toMatchObject({ status: 403 });
    expect(asked).toEqual([]);
    expect(await kill(id)).toMatchObject({ status: 200, body: { answer: 'killed' } });
  });

  it('that is not understood ends nothing', async () => {
    const id = await started();
    for (const wrong of [{ wait: '6m' }, { wait: 'soon' }, { reason: 'r'.repeat(1_001) }, { force: true }])
      expect(await kill(id, wrong)).toMatchObject({ status: 400, body: { code: 'INPUT_INVALID' } });
    expect(asked).toEqual([]);
  });

  it.each([
    ['KUBERNETES_FORBIDDEN', 502],
    ['KUBERNETES_UNREACHABLE', 503],
    ['KILL_OVERTAKEN', 409],
    ['CONFIG_INVALID', 500],
  ] as const)('that is refused with %s says so with %i', async (code, status) => {
    const id = await started();
    answer = () => Promise.reject(new HoldfastError(code, 'No. Nothing was ended.'));
    expect(await kill(id)).toMatchObject({ status, body: { code, detail: 'No. Nothing was ended.' } });
  });

  it('is off unless the gateway has access to Kubernetes, and then says what to do', async () => {
    const id = await started();
    const without = await Driver.of(await gateway({}));
    const refused = await without.call('killTask', { at: { id }, body: {}, headers: { authorization: 'ours' } });
    expect(refused).toMatchObject({ status: 501, body: { code: 'KILL_UNAVAILABLE' } });
    expect(refused.body['next']).toContain('HOLDFAST_KUBE_CONTEXT');
    expect(asked).toEqual([]);
    expect(await client.describe(id)).toMatchObject({ open: true, cancelRequested: false });
  });
});
