/** The scenarios of the HTTP API by name, with real containers on a real node, through the gateway as a process. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gate } from '../../lab/proxy/gate.ts';
import type { Task } from '../../src/contract.ts';
import type { WireCancel } from '../../src/gateway/wire/cancel.ts';
import type { WireKill } from '../../src/gateway/wire/kill.ts';
import type { WireTask } from '../../src/gateway/wire/task.ts';
import { type Heard, listen } from '../gateway/event-stream.ts';
import { GatewayProcess } from '../gateway/process.ts';
import { command, FOREVER, images, openScene, type Scene, until } from './scene.ts';

let scene: Scene;
let gateway: GatewayProcess;
let api: string;
let busybox: string;
const nothing = { anchors: [], jobs: [], pods: [] };

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene();
  await scene.startWorker();
  const { temporal, taskQueue, logDir, kubernetes } = scene.config;
  gateway = await GatewayProcess.start({
    TEMPORAL_ADDRESS: temporal.connectionOptions.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    HOLDFAST_TASK_QUEUE: taskQueue,
    HOLDFAST_LOG_DIR: logDir,
    HOLDFAST_GATEWAY_AUTH: 'none',
    KUBECONFIG: kubernetes.kubeconfig,
    HOLDFAST_KUBE_CONTEXT: kubernetes.context,
    HOLDFAST_KUBE_NAMESPACE: kubernetes.namespace,
  });
  api = `${gateway.url}/v1`;
});
afterAll(async () => {
  await gateway.end();
  await scene.close();
});

async function post<T>(path: string, body: unknown): Promise<{ status: number; body: T }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${api}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as T };
}

async function start(task: Task = command(busybox, FOREVER)): Promise<string> {
  const { status, body } = await post<{ task_id: string }>('/tasks', task);
  expect(status).toBe(201);
  return body.task_id;
}

async function seen(id: string): Promise<WireTask> {
  return (await (await fetch(`${api}/tasks/${id}`)).json()) as WireTask;
}

async function running(task?: Task): Promise<string> {
  const id = await start(task);
  await until('it runs', async () => (await seen(id)).pod?.phase === 'Running');
  return id;
}

const cancel = (id: string, reason = 'enough') => post<WireCancel>(`/tasks/${id}/cancel?wait=2m`, { reason });

describe('the scenarios', () => {
  it('normal cancellation, and cancel twice', async () => {
    const id = await running();
    const first = await cancel(id);
    expect(first).toMatchObject({
      status: 200,
      body: { status: 'cancelled', cancellation_reason: 'enough', left: [] },
    });
    expect(await scene.remains(id)).toEqual(nothing);
    const { body: second } = await cancel(id, 'again');
    expect(second).toEqual({ ...first.body, status: 'already_cancelled', message: expect.any(String) });
    expect((await cancel(id)).body).toEqual(second);
  });

  it('cancel of an unknown id', async () => {
    expect(await cancel(`never-${randomUUID()}`)).toMatchObject({ status: 404, body: { code: 'TASK_UNKNOWN' } });
  });

  it('cancel while provisioning', async () => {
    const late = new Gate();
    const reached = new Gate();
    scene.proxy.setRule(({ verb, kind }) => {
      if (verb !== 'create' || kind !== 'ConfigMap') return { do: 'pass' };
      reached.open();
      return { do: 'hold', until: late };
    });
    const id = await start();
    await reached.opened;
    const { status, body } = await cancel(id);
    expect({ status, body }).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect(body.message).toContain('it had not been started');
    scene.proxy.setRule(() => ({ do: 'pass' }));
    late.open();
    await until('the sweeper has taken what came late', async () => {
      const { anchors, jobs, pods } = await scene.remains(id);
      return anchors.length + jobs.length + pods.length === 0;
    });
  });

  it('cancel while pending', async () => {
    // No node has the label, and one that has it may come: it waits, and does not fail.
    const id = await start(command(busybox, 'true', { nodeSelector: { 'example.com/no-node': 'has-it' } }));
    await until('its Pod is pending', async () => (await seen(id)).pod?.phase === 'Pending');
    expect(await cancel(id)).toMatchObject({ status: 200, body: { status: 'cancelled', outcome: 'cancelled' } });
    expect(await scene.remains(id)).toEqual(nothing);
  });

  it('cancel while streaming', async () => {
    const id = await start();
    const events = Array.fromAsync(listen(`${api}/tasks/${id}/events`));
    const lines: Heard[] = [];
    for await (const event of listen(`${api}/tasks/${id}/logs?follow=true`)) {
      lines.push(event);
      if (event.data['text'] === 'began') expect((await cancel(id)).status).toBe(200);
    }
    expect(lines.filter(({ event }) => event === 'line').map(({ data }) => data['text'])).toEqual(['began']);
    expect(lines.at(-1)).toMatchObject({ event: 'end', data: { outcome: 'cancelled' } });
    const heard = await events;
    const phases = heard.filter(({ event }) => event === 'phase').map(({ data }) => data['phase']);
    expect(phases.filter((phase, at) => phase !== phases[at - 1])).toEqual([
      'provisioning',
      'running',
      'releasing',
      'ended',
    ]);
    expect(heard.at(-1)).toMatchObject({
      event: 'outcome',
      data: { outcome: 'cancelled', cancellation_reason: 'enough' },
    });
  });

  it('cancel after failure', async () => {
    const id = await start(command(busybox, 'exit 3'));
    await scene.client.result(id);
    const { status, body } = await cancel(id);
    expect({ status, body }).toMatchObject({ status: 200, body: { status: 'already_failed', cancelled_at: null } });
    const result = (await (await fetch(`${api}/tasks/${id}/result`)).json()) as object;
    expect(result).toMatchObject({
      outcome: 'failed',
      diagnosis: { code: 'EXIT_CODE' },
      completed_at: body.completed_at,
    });
  });

  it('grace period over: what Temporal has forgotten is unknown, and the answer says how long it remembers', async () => {
    const id = await start(command(busybox, 'true'));
    await scene.client.result(id);
    const { namespace } = scene.client.temporal.options;
    await scene.client.temporal.workflowService.deleteWorkflowExecution({
      namespace,
      workflowExecution: { workflowId: id },
    });
    await until('it is forgotten', async () => (await cancel(id)).status === 404, 120);
    expect(await post(`/tasks/${id}/kill`, {})).toMatchObject({ status: 404, body: { code: 'TASK_UNKNOWN' } });
  });
});

it('kills a task that is deaf and would take ten minutes to be cancelled, and says what is proved', async () => {
  const id = await running(command(busybox, 'trap "" TERM; while :; do sleep 1; done', { gracePeriod: '10m' }));
  const killed = await post<WireKill>(`/tasks/${id}/kill`, { reason: 'deaf', wait: '2m' });
  expect(killed).toMatchObject({ status: 200, body: { task_id: id, answer: 'killed', was: 'open', left: [] } });
  expect(killed.body.pods).toMatchObject([{ end: 'terminated', node_state: null, why: null }]);
  expect(await scene.remains(id)).toEqual(nothing);
  expect(await seen(id)).toMatchObject({ status: 'terminated' });
  expect(await cancel(id)).toMatchObject({ status: 200, body: { status: 'already_terminated' } });
  const again = await post<WireKill>(`/tasks/${id}/kill`, {});
  expect(again).toMatchObject({ status: 200, body: { answer: 'already_terminated', pods: [], left: [] } });
});

it('race with completion: a cancel at that instant, whenever it lands, is told what history says, and again', async () => {
  const one = async (afterMs: number) => {
    const id = await running(command(busybox, 'sleep 6'));
    await sleep(afterMs);
    const { status, body } = await cancel(id);
    const { outcome, closedAt } = await scene.client.describe(id);
    expect({ status, outcome: body.outcome, completed_at: body.completed_at }).toEqual({
      status: 200,
      outcome,
      completed_at: closedAt,
    });
    expect(body.status).toBe(outcome === 'cancelled' ? 'cancelled' : 'already_completed');
    expect(await scene.remains(id)).toEqual(nothing);
    const again = await cancel(id);
    expect(again.body).toMatchObject({ outcome, completed_at: body.completed_at, cancelled_at: body.cancelled_at });
    expect(again.body.status).toBe(outcome === 'cancelled' ? 'already_cancelled' : 'already_completed');
    return body.status;
  };
  // Each answer moves the aim towards the instant at which the other one begins, which is not known before.
  const closeIn = async (firstMs: number) => {
    const told = new Set<string>();
    for (let [tries, aimMs, stepMs] = [0, firstMs, 1_000]; tries < 6 || told.size < 2; tries += 1) {
      const status = await one(Math.max(0, aimMs));
      if (told.size > 0 && !told.has(status)) stepMs /= 2;
      told.add(status);
      aimMs += status === 'cancelled' ? stepMs : -stepMs;
    }
    return [...told].toSorted();
  };
  const told = await Promise.all([5_000, 6_000, 7_000, 8_000].map(closeIn));
  expect(told).toEqual(told.map(() => ['already_completed', 'cancelled']));
});

it('docs/http-api.md begins with commands that work', async () => {
  const page = readFileSync(new URL('../../docs/http-api.md', import.meta.url), 'utf8');
  const [, script = ''] = /<!-- curl:start -->\s+```sh\n([\s\S]*?)```/.exec(page) ?? [];
  const id = `my-${randomUUID()}`;
  const real = script
    .replace('http://127.0.0.1:8080/v1', api)
    .replace('busybox:1.36', busybox)
    .replaceAll('my-task', id)
    .replaceAll(/^(curl .*)$/gm, '$1; echo');
  const { stdout } = await promisify(execFile)('bash', ['-euc', real]);
  const [started, described, , cancelled, again, result, ...events] = stdout.split('\n');
  const json = (line = '') => JSON.parse(line) as unknown;
  expect(json(started)).toMatchObject({ task_id: id, is_new: true });
  expect(json(described)).toMatchObject({ task_id: id, status: 'running' });
  expect(json(cancelled)).toMatchObject({ status: 'cancelled', cancellation_reason: 'seen enough' });
  expect(json(again)).toMatchObject({ status: 'already_cancelled', cancellation_reason: 'seen enough' });
  expect(json(result)).toMatchObject({ outcome: 'cancelled', cancellation_reason: 'seen enough' });
  expect(events).toContain('event: outcome');
});
