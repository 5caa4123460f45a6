/** What Prometheus would read of a real worker: 0 as long as all is well, and moving when it is not. */
import { randomUUID } from 'node:crypto';
import type { Task } from '../../src/contract.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../lab/protocols/role-process.ts';
import { fencedMetadata } from '../../src/fence.ts';
import { METRICS } from '../../src/metrics.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';
import { command, FOREVER, images, openScene, type Scene, until } from './scene.ts';
import { tellToFinish, UNTIL_TOLD } from './until-told.ts';

let scene: Scene;
let busybox: string;
let url: string;

beforeAll(async () => {
  ({ busybox } = await images());
  const address = `127.0.0.1:${await freePort()}`;
  url = `http://${address}/metrics`;
  scene = await openScene({ HOLDFAST_METRICS_ADDRESS: address });
  await scene.startWorker();
});
afterAll(() => scene.close());

/** The value of a series as it stands on the page, e.g. `up{job="a"}`; undefined if it is not there. */
async function read(series: string): Promise<number | undefined> {
  const page = await (await fetch(url)).text();
  const line = page.split('\n').find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length));
}

async function rises(series: string, least: number): Promise<void> {
  await until(`${series} is ${least} or more`, async () => ((await read(series)) ?? 0) >= least);
}

const cancels = (outcome: string, phase: string) => `${METRICS.cancels.name}{outcome="${outcome}",phase="${phase}"}`;
const sum = ({ name }: { name: string }, phase: string) => `${name}_sum{phase="${phase}"}`;
const orphans = ({ name }: { name: string }, reason: string) => `${name}{reason="${reason}"}`;

async function running(task: Task = command(busybox, FOREVER)): Promise<string> {
  const { taskId } = await scene.client.start(task);
  await until('it runs', async () => (await scene.client.describe(taskId)).pod?.phase === 'Running');
  return taskId;
}

it("is one page for Temporal's metrics and ours, on which nothing is wrong", async () => {
  const page = await (await fetch(url)).text();
  expect(page).toMatch(/^temporal_num_pollers/m);
  expect(page.match(/^holdfast_\w+_total(\{.*\})? [^0]/gm)).toBeNull();
  for (const { name } of Object.values(METRICS).filter(({ type }) => type === 'counter')) expect(page).toContain(name);
});

it('tells of a cancel how long the proof took, and what its container ran on after the request', async () => {
  const deaf = 'trap "" TERM; while true; do sleep 1; done';
  const taskId = await running(command(busybox, deaf, { gracePeriod: '3s' }));
  expect(await scene.client.cancel(taskId)).toBe('cancelled_running');
  await rises(cancels('cancelled', 'started'), 1);
  const seconds = (await read(sum(METRICS.cancelProof, 'started'))) ?? 0;
  const wasted = (await read(sum(METRICS.cancelWaste, 'started'))) ?? 0;
  expect(seconds).toBeGreaterThanOrEqual(3);
  // The grace period, but Kubernetes tells the end in whole seconds.
  expect(wasted).toBeGreaterThan(1.9);
  expect(wasted).toBeLessThanOrEqual(seconds);
});

it('counts no cancel where a task ended by itself', async () => {
  const before = (await read(cancels('cancelled', 'started'))) ?? 0;
  for (const task of [command(busybox, 'exit 3'), command(busybox, FOREVER, { timeout: '2s' })]) {
    const { taskId } = await scene.client.start(task);
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'failed' });
  }
  // What those had to ask Temporal is answered by the time that one more cancel is counted.
  await scene.client.cancel(await running());
  await rises(cancels('cancelled', 'started'), before + 1);
  expect(await read(cancels('cancelled', 'started'))).toBe(before + 1);
  expect(await read(cancels('failed', 'started'))).toBe(0);
});

it('has orphans at 0, and at 1 when one is planted: the anchor of a task that Temporal does not know', async () => {
  const taskId = `planted-${randomUUID()}`;
  const found = orphans(METRICS.orphansFound, 'absent');
  expect(await read(found)).toBe(0);
  await rises(METRICS.lastSweep.name, 1);
  const run = { taskId, runId: randomUUID(), attempt: 1 };
  const metadata = fencedMetadata(await namespaceId(scene.client.temporal), run, 'command', 'planted');
  await scene.core.createNamespacedConfigMap({ namespace: scene.namespace, body: { metadata } });
  await rises(found, 1);
  await rises(orphans(METRICS.orphansRemoved, 'absent'), 1);
  expect((await scene.remains(taskId)).anchors).toEqual([]);
  expect(await read(found)).toBe(1);
});

it('shows a release that is stuck, since it was asked for, until it is done; and its retries', async () => {
  const { namespace } = scene;
  const taskId = await running();
  const name = (await scene.remains(taskId)).anchors[0]?.metadata?.name ?? '';
  const finalizers = (value: readonly string[]) =>
    scene.core.patchNamespacedConfigMap({
      namespace,
      name,
      body: [{ op: 'add', path: '/metadata/finalizers', value }],
    });
  await finalizers(['holdfast.dev/test']);
  let refused = 0;
  scene.proxy.setRule(({ verb }) => {
    if (verb !== 'delete' || refused > 0) return { do: 'pass' };
    refused += 1;
    return { do: 'answer', status: 500 };
  });
  await scene.client.cancel(taskId, { wait: false });
  await rises(METRICS.releaseRetries.name, 1);
  await rises(METRICS.oldestUnreleased.name, 4);
  await finalizers([]);
  await scene.client.result(taskId);
  await until('nothing waits', async () => (await read(METRICS.oldestUnreleased.name)) === 0);
});

describe('of what happened while no worker lived', () => {
  it('the next one counts: an orphan that Terminate left, a cancel since its request, a cancel that an ending outran', async () => {
    const terminated = await running();
    const ended = await running(command(busybox, UNTIL_TOLD));
    await scene.worker.end('SIGKILL');
    await tellToFinish(scene, ended);
    const handle = (taskId: string) => scene.client.temporal.workflow.getHandle(taskId);
    await handle(terminated).terminate('operator');
    const unseen = await scene.client.start(command(busybox, FOREVER));
    await handle(unseen.taskId).cancel();
    const cancelledAt = Date.now();
    await until('it has ended', async () => (await scene.remains(ended)).jobs[0]?.status?.succeeded === 1);
    await handle(ended).cancel();
    const waited = (Date.now() - cancelledAt) / 1_000;
    await scene.startWorker();
    await rises(cancels('cancelled', 'nothing'), 1);
    expect(await read(sum(METRICS.cancelProof, 'nothing'))).toBeGreaterThan(waited);
    expect(await read(sum(METRICS.cancelWaste, 'nothing'))).toBe(0);
    await rises(cancels('succeeded', 'started'), 1);
    await rises(orphans(METRICS.orphansRemoved, 'closed'), 1);
    expect(await read(orphans(METRICS.orphansFound, 'closed'))).toBe(1);
    expect(await scene.remains(terminated)).toEqual({ anchors: [], jobs: [], pods: [] });
  });
});
