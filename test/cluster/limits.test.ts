/** Limits on a real node: who may have containers at the same time, and that no ending keeps a slot. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PodWitness } from '../../lab/stage/pod-witness.ts';
import { isTerminal, LABEL } from '../../src/fence.ts';
import { ACQUIRE_SIGNAL, type Claim, LIMITER_QUERY, type LimiterState, limiterOf } from '../../src/limits/contract.ts';
import { command, FOREVER, images, openScene, phaseOf, type Scene, until } from './scene.ts';

const LIMITS = { HOLDFAST_MAX_RUNNING: '2', HOLDFAST_MAX_RUNNING_PER_TENANT: '1' };

let scene: Scene;
let busybox: string;
let pods: PodWitness;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene(LIMITS);
  pods = new PodWitness(scene.kube, scene.namespace);
  await scene.startWorker();
});
afterAll(async () => {
  await pods.close();
  await scene.close();
});

async function start(tenant: string, script: string): Promise<string> {
  const id = `${tenant}-${randomUUID().slice(0, 8)}`;
  await scene.client.start(command(busybox, script), { id, tenant });
  return id;
}

const untilRuns = (id: string) => until(`${id} runs`, async () => (await phaseOf(scene, id)) === 'Running');
const untilQueued = (id: string) =>
  until(`${id} waits`, async () => (await scene.client.describe(id)).phase === 'queued');
const limiter = () => scene.client.temporal.workflow.getHandle(limiterOf(scene.config.taskQueue));
const limiterState = () => limiter().query<LimiterState>(LIMITER_QUERY);
const untilHeld = (count: number) =>
  until(`${count} slots are held`, async () => (await limiterState().catch(() => undefined))?.held === count);

/** The most runs that had a Pod in which something could run at the same time, in the order in which the server told it. */
function mostAtOnce(): number {
  const live = new Map<string, string>();
  let most = 0;
  for (const { type, pod } of pods.events) {
    const { uid = '', labels } = pod.metadata ?? {};
    if (type === 'DELETED' || isTerminal(pod)) live.delete(uid);
    else live.set(uid, labels?.[LABEL.run] ?? '');
    most = Math.max(most, new Set(live.values()).size);
  }
  return most;
}

describe('with 2 slots, and 1 for each tenant', () => {
  it('no more have containers at once, whoever waits is let in, and every ending gives back its slot', async () => {
    const [a, b] = [await start('a', FOREVER), await start('b', FOREVER)];
    await Promise.all([a, b].map(untilRuns));
    const again = await start('a', 'true');
    const blocked = await start('b', 'true');
    const other = await start('c', 'true');
    await Promise.all([again, blocked, other].map(untilQueued));
    expect(await limiterState()).toMatchObject({ held: 2, waiting: 3, limits: { running: 2, perTenant: 1 } });
    expect((await scene.remains(other)).jobs).toEqual([]);

    await scene.client.temporal.workflow.getHandle(a).terminate('a test');
    expect(await scene.client.result(again)).toMatchObject({ outcome: 'succeeded' });
    expect(await scene.client.result(other)).toMatchObject({ outcome: 'succeeded' });
    expect(await scene.client.describe(blocked)).toMatchObject({ phase: 'queued', started: false });

    expect(await scene.client.kill(b)).toMatchObject({ answer: 'killed' });
    expect(await scene.client.result(blocked)).toMatchObject({ outcome: 'succeeded' });
    await untilHeld(0);
    expect(mostAtOnce()).toBe(2);
  });

  it('a cancel of a task that waits is answered as of one that never started, and its anchor is gone', async () => {
    const first = await start('d', FOREVER);
    await untilRuns(first);
    const waiting = await start('d', FOREVER);
    await untilQueued(waiting);
    expect((await scene.remains(waiting)).anchors).toHaveLength(1);
    expect(await scene.client.cancel(waiting)).toBe('cancelled_before_start');
    expect(await scene.remains(waiting)).toEqual({ anchors: [], jobs: [], pods: [] });
    expect(await limiterState()).toMatchObject({ held: 1, waiting: 0 });
    expect(await scene.client.cancel(first)).toBe('cancelled_running');
    await untilHeld(0);
  });

  it('a task that waits and is terminated leaves its place when the sweeper has removed what it left', async () => {
    const first = await start('e', FOREVER);
    await untilRuns(first);
    const waiting = await start('e', FOREVER);
    await untilQueued(waiting);
    await scene.client.temporal.workflow.getHandle(waiting).terminate('a test');
    await until('its place is free', async () => (await limiterState()).waiting === 0);
    expect((await scene.remains(waiting)).anchors).toEqual([]);
    await scene.client.cancel(first);
    await untilHeld(0);
  });

  it('a worker that is killed loses no slot', async () => {
    const first = await start('f', FOREVER);
    await untilRuns(first);
    const waiting = await start('f', 'true');
    await untilQueued(waiting);
    await scene.worker.end('SIGKILL');
    await scene.startWorker();
    expect(await limiterState()).toMatchObject({ held: 1, waiting: 1 });
    expect(await scene.client.cancel(first)).toBe('cancelled_running');
    expect(await scene.client.result(waiting)).toMatchObject({ outcome: 'succeeded' });
    await untilHeld(0);
  });

  it('a limiter that was terminated finds who holds a slot; a slot that nobody uses is found free', async () => {
    const first = await start('g', FOREVER);
    await untilRuns(first);
    await limiter().terminate('a test');
    const waiting = await start('g', 'true');
    await untilQueued(waiting);
    await untilHeld(1);
    expect(await limiterState()).toMatchObject({ waiting: 1, tenants: { g: { held: 1, waiting: 1 } } });
    // As if the word that it is free had been lost: a run of which nothing is in Kubernetes.
    const lost: Claim = { run: 'hf-lost', taskId: first, tenant: 'h', priority: 3 };
    await limiter().signal(ACQUIRE_SIGNAL, { claim: lost, limits: { running: 2, perTenant: 1 } });
    await untilHeld(2);
    await untilHeld(1);
    await scene.client.cancel(first);
    expect(await scene.client.result(waiting)).toMatchObject({ outcome: 'succeeded' });
  });
});
