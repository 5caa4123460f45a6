/** Limits on a real node: who may have containers at the same time, and that no ending keeps a slot. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PodWitness } from '../../lab/stage/pod-witness.ts';
import { ANNOTATION, isTerminal } from '../../src/fence.ts';
import { ACQUIRE_SIGNAL, type Claim, LIMITER_QUERY, type LimiterState, limiterOf } from '../../src/limits/contract.ts';
import { command, FOREVER, images, openScene, phaseOf, type Scene, until } from './scene.ts';

const LIMITS = { HOLDFAST_MAX_RUNNING: '2', HOLDFAST_MAX_RUNNING_PER_TENANT: '1' };

/** The limiter looks for itself once a minute. Seconds. */
const LONGER_THAN_A_LOOK = 150;

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

const started: string[] = [];
/** What a test that failed has left would keep the slots of the next. */
afterEach(async () => {
  await Promise.all(started.splice(0).map((id) => scene.client.cancel(id)));
  await untilCounts(0, 0);
});

async function start(tenant: string, script: string): Promise<string> {
  const id = `${tenant}-${randomUUID().slice(0, 8)}`;
  started.push(id);
  await scene.client.start(command(busybox, script), { id, tenant });
  return id;
}

const untilRuns = (id: string) => until(`${id} runs`, async () => (await phaseOf(scene, id)) === 'Running');
const limiter = () => scene.client.temporal.workflow.getHandle(limiterOf(scene.config.taskQueue));
const limiterState = () => limiter().query<LimiterState>(LIMITER_QUERY);
const untilCounts = (held: number, waiting: number) =>
  until(
    `${held} hold a slot and ${waiting} wait`,
    async () => {
      const state = await limiterState().catch(() => undefined);
      return state?.held === held && state.waiting === waiting;
    },
    LONGER_THAN_A_LOOK,
  );

async function grants(): Promise<number> {
  const events = (await limiter().fetchHistory()).events ?? [];
  return events.filter((event) => event.signalExternalWorkflowExecutionInitiatedEventAttributes).length;
}

/** The most Pods in which something could run at the same time, in the order in which the server told of them. */
function mostAtOnce(tenant = ''): number {
  const live = new Set<string>();
  let most = 0;
  for (const { type, pod } of pods.events) {
    const { uid = '', annotations } = pod.metadata ?? {};
    if (!annotations?.[ANNOTATION.taskId]?.startsWith(tenant)) continue;
    if (type === 'DELETED' || isTerminal(pod)) live.delete(uid);
    else live.add(uid);
    most = Math.max(most, live.size);
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
    await untilCounts(2, 3);
    expect(await limiterState()).toMatchObject({ limits: { running: 2, perTenant: 1 } });
    expect((await scene.remains(other)).jobs).toEqual([]);

    await scene.client.temporal.workflow.getHandle(a).terminate('a test');
    expect(await scene.client.result(again)).toMatchObject({ outcome: 'succeeded' });
    expect(await scene.client.result(other)).toMatchObject({ outcome: 'succeeded' });
    expect(await scene.client.describe(blocked)).toMatchObject({ phase: 'queued', started: false });

    expect(await scene.client.kill(b)).toMatchObject({ answer: 'killed' });
    expect(await scene.client.result(blocked)).toMatchObject({ outcome: 'succeeded' });
    expect([mostAtOnce(), mostAtOnce('a-'), mostAtOnce('b-')]).toEqual([2, 1, 1]);
  });

  it('a cancel of a task that waits is answered as of one that never started, and its anchor is gone', async () => {
    const first = await start('d', FOREVER);
    await untilRuns(first);
    const waiting = await start('d', FOREVER);
    await untilCounts(1, 1);
    expect((await scene.remains(waiting)).anchors).toHaveLength(1);
    expect(await scene.client.cancel(waiting)).toBe('cancelled_before_start');
    expect(await scene.remains(waiting)).toEqual({ anchors: [], jobs: [], pods: [] });
    expect(await limiterState()).toMatchObject({ held: 1, waiting: 0 });
    expect(await scene.client.cancel(first)).toBe('cancelled_running');
  });

  it('a task that waits and is terminated leaves its place when the sweeper has removed what it left', async () => {
    const first = await start('e', FOREVER);
    await untilRuns(first);
    const waiting = await start('e', FOREVER);
    await untilCounts(1, 1);
    await scene.client.temporal.workflow.getHandle(waiting).terminate('a test');
    await until('its place is free', async () => (await limiterState()).waiting === 0);
    expect((await scene.remains(waiting)).anchors).toEqual([]);
  });

  it('a worker that is killed loses no slot', async () => {
    const first = await start('f', FOREVER);
    await untilRuns(first);
    const waiting = await start('f', 'true');
    await untilCounts(1, 1);
    await scene.worker.end('SIGKILL');
    await scene.startWorker();
    expect(await limiterState()).toMatchObject({ held: 1, waiting: 1 });
    expect(await scene.client.cancel(first)).toBe('cancelled_running');
    expect(await scene.client.result(waiting)).toMatchObject({ outcome: 'succeeded' });
  });

  it('a limiter that was terminated finds who holds a slot; a slot that nobody uses is found free', async () => {
    const first = await start('g', FOREVER);
    await untilRuns(first);
    await limiter().terminate('a test');
    const waiting = await start('g', 'true');
    await untilCounts(1, 1);
    expect(await limiterState()).toMatchObject({ tenants: { g: { held: 1, waiting: 1 } } });
    // As if the word that it is free had been lost: a run of which nothing is in Kubernetes.
    const lost: Claim = { run: 'hf-lost', taskId: first, tenant: 'h', priority: 3 };
    await limiter().signal(ACQUIRE_SIGNAL, { claim: lost, limits: { running: 2, perTenant: 1 } });
    await until('that run is let in', async () => (await grants()) === 1);
    await untilCounts(1, 1);
    await scene.client.cancel(first);
    expect(await scene.client.result(waiting)).toMatchObject({ outcome: 'succeeded' });
  });
});
