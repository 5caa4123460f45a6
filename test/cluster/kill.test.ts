/**
 * A kill while each request that makes something is on the wire, with the worker alive, dead, or doing anything; and the
 * held request is let go only after the answer, as late as it gets.
 */
import { randomUUID } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Kind, Verb } from '../../lab/proxy/classify.ts';
import { Gate } from '../../lab/proxy/gate.ts';
import { PodWitness } from '../../lab/stage/pod-witness.ts';
import type { KillReport } from '../../src/kill/contract.ts';
import { isTerminal, taskLabel } from '../../src/fence.ts';
import { hasBegun, statusesOf } from '../../src/kubernetes/container-status.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';
import { command, FOREVER, images, openScene, type Scene, until } from './scene.ts';
import { MODES, putOnTheWire, WireCase } from './wire-cases.ts';

const POINTS: Readonly<Record<string, readonly [Verb, Kind]>> = {
  anchor: ['create', 'ConfigMap'],
  arm: ['patch', 'ConfigMap'],
  reserve: ['create', 'Job'],
  start: ['patch', 'Job'],
};

let scene: Scene;
let pods: PodWitness;
let busybox: string;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene();
  pods = new PodWitness(scene.kube, scene.namespace);
  await scene.startWorker();
});
afterAll(async () => {
  await pods.close();
  await scene.close();
});

/** A limit for hangs, not a promise of speed: the node may be busy. Seconds. */
const PATIENT = 120;
const PROVED = { answer: 'killed', was: 'open', left: [], unproved: [] };

function proved({ answer, was, left, pods }: KillReport): object {
  return { answer, was, left, unproved: pods.filter(({ end }) => end === 'may_run') };
}

/** Kills, looks, lets the late request land, and looks again until it is quiet. */
async function killAndLook({ id, mode, gate, landed }: WireCase) {
  const report = await scene.client.kill(id, { reason: mode, waitSeconds: PATIENT });
  const live = (await scene.remains(id)).pods.filter(({ status }) => status?.phase === 'Running');
  const answeredAt = Date.now();
  gate.open();
  await landed.opened;
  await until(`no Job and no Pod of ${id}`, async () => {
    const { jobs, pods } = await scene.remains(id);
    return jobs.length + pods.length === 0;
  });
  const task = taskLabel(await namespaceId(scene.client.temporal), id);
  const { outcome } = await scene.client.result(id);
  return { id, ...proved(report), live, offences: pods.offencesAfter(task, answeredAt), outcome };
}

const held = (item: WireCase) => ({ id: item.id, ...PROVED, live: [], offences: [], outcome: 'terminated' });

async function untilNothingIsLeft(id: string): Promise<void> {
  await until(`nothing is left of ${id}`, async () => {
    const { anchors, jobs, pods } = await scene.remains(id);
    return anchors.length + jobs.length + pods.length === 0;
  });
}

/** Every point in every mode, each with its request met. */
async function startAll(): Promise<ReadonlyMap<string, readonly WireCase[]>> {
  const byPoint = new Map(
    Object.entries(POINTS).map(([point, request]) => [
      point,
      MODES.map((mode) => new WireCase(`kill-${point}-${randomUUID().slice(0, 8)}`, mode, request)),
    ]),
  );
  const cases = [...byPoint.values()].flat();
  putOnTheWire(scene.proxy, cases);
  await Promise.all(cases.map(({ id }) => scene.client.start(command(busybox, FOREVER), { id })));
  await Promise.all(cases.map(({ reached }) => reached.opened));
  return byPoint;
}

describe('a kill while a request is on the wire', () => {
  it('is proved, and stays true when the request lands after it, with the worker alive', async () => {
    const cases = [...(await startAll()).values()].flat();
    expect(await Promise.all(cases.map(killAndLook))).toEqual(cases.map(held));
    // An anchor whose create was late is empty, and the sweeper's.
    await Promise.all(cases.map(({ id }) => untilNothingIsLeft(id)));
  });

  it('is proved, and stays true when the request lands after it, with the worker dead', async () => {
    const { anchor: anchors = [], ...others } = Object.fromEntries(await startAll());
    const rest = Object.values(others).flat();
    await scene.worker.end('SIGKILL');
    expect(await Promise.all([...anchors, ...rest].map(killAndLook))).toEqual([...anchors, ...rest].map(held));
    for (const { id } of rest) expect((await scene.remains(id)).anchors).toEqual([]);
    await scene.startWorker();
    await Promise.all(anchors.map(({ id }) => untilNothingIsLeft(id)));
  });
});

/** The garbage collector deleted a Pod in the moment in which it got a node: Kubernetes does not ask that. See decision 1. */
function wasTakenUnheard(name: string): boolean {
  const seen = pods.events.filter(({ pod }) => pod.metadata?.name === name);
  const didBegin = seen.some(({ pod }) => statusesOf(pod).some(hasBegun));
  const last = seen.at(-1);
  const isTaken = last?.type === 'DELETED' && last.pod.metadata?.deletionGracePeriodSeconds === 0;
  return isTaken && !didBegin && !isTerminal(last.pod);
}

describe('a kill of a task whose worker lives', () => {
  it.each([
    ['runs for ever', FOREVER, 6],
    ['ends by itself', 'echo done', 10],
  ])('that %s tells what happened, at whichever of its requests it comes', async (_, script, requests) => {
    const reports = new Map<string, Promise<KillReport>>();
    const counts = new Map<string, number>();
    const ids = Array.from({ length: requests }, (_, index) => `killed-at-${index + 1}-${randomUUID().slice(0, 8)}`);
    scene.proxy.setRule(({ of }) => {
      const id = ids.find((id) => of.includes(`hf-${id}-`));
      if (id === undefined) return { do: 'pass' };
      const count = (counts.get(id) ?? 0) + 1;
      counts.set(id, count);
      if (count >= ids.indexOf(id) + 1 && !reports.has(id))
        reports.set(id, scene.client.kill(id, { waitSeconds: PATIENT }));
      return { do: 'pass' };
    });
    await Promise.all(ids.map((id) => scene.client.start(command(busybox, script), { id })));
    await until('every kill has come', () => reports.size === ids.length);
    for (const id of ids) {
      const report = (await reports.get(id)) ?? { answer: 'not killed', pods: [], left: [] };
      const { answer, pods: reported, left } = report;
      const { outcome } = await scene.client.result(id);
      // Between the end of its release and the telling of it nothing is there to prove anything by.
      const unproved = reported.filter(({ end }) => end === 'may_run');
      const killed = left.length + unproved.length === 0 ? 'killed' : 'killed_unproved';
      expect({
        id,
        unproved: unproved.filter(
          ({ name, why = '' }) => !wasTakenUnheard(name) || !why.startsWith('its object is gone'),
        ),
      }).toEqual({ id, unproved: [] });
      expect({ id, answer }).toEqual({ id, answer: outcome === 'succeeded' ? 'already_completed' : killed });
      expect(left.filter(({ why }) => !why.includes('it was gone before'))).toEqual([]);
      await untilNothingIsLeft(id);
    }
  });

  it('that ends by itself while it is looked at, before anything was ended, tells that it completed', async () => {
    const [deleting, looked, over] = [new Gate(), new Gate(), new Gate()];
    const taskId = `looked-at-${randomUUID().slice(0, 8)}`;
    const task = taskLabel(await namespaceId(scene.client.temporal), taskId);
    let [isDeleting, isLooking] = [false, false];
    scene.proxy.setRule(({ verb, kind, of }) => {
      if (verb === 'delete' && kind === 'Job' && of.startsWith(`hf-${taskId}-`)) {
        isDeleting = true;
        deleting.open();
        return { do: 'hold', until: looked };
      }
      // The worker waits, so the first to list is the kill.
      if (!isDeleting || isLooking || verb !== 'list' || kind !== 'Job' || !of.includes(task)) return { do: 'pass' };
      isLooking = true;
      return { do: 'hold answer', until: over };
    });
    scene.proxy.setWitness({
      answered: ({ verb, kind }) => isLooking && verb === 'list' && kind === 'Job' && looked.open(),
    });
    await scene.client.start(command(busybox, 'echo done'), { id: taskId });
    await deleting.opened;
    const killed = scene.client.kill(taskId, { waitSeconds: PATIENT });
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'succeeded' });
    over.open();
    expect(await killed).toMatchObject({ answer: 'already_completed', was: 'succeeded', left: [] });
    await untilNothingIsLeft(taskId);
  });

  it('is proved, though a Job controller that lags makes a Pod when all is gone', async () => {
    const { temporal } = scene.client;
    const { taskId } = await scene.client.start(command(busybox, FOREVER));
    await until('it runs', async () => (await scene.client.describe(taskId)).pod?.phase === 'Running');
    const { spec, metadata: { labels = {}, ownerReferences = [] } = {} } = (await scene.remains(taskId)).pods[0] ?? {};
    const late = { metadata: { generateName: 'late-', labels, ownerReferences }, ...(spec && { spec }) };
    const { namespace, core } = scene;
    let made: V1Pod | undefined;
    const getHandle = temporal.workflow.getHandle.bind(temporal.workflow);
    const spy = vi.spyOn(temporal.workflow, 'getHandle').mockImplementation((...named) => {
      const handle = getHandle(...named);
      const describe = async () => {
        const { anchors, jobs, pods } = await scene.remains(taskId);
        if (anchors.length + jobs.length + pods.length === 0)
          made ??= await core.createNamespacedPod({ namespace, body: late });
        return handle.describe();
      };
      return { ...handle, describe };
    });
    const report = await scene.client.kill(taskId, { waitSeconds: PATIENT }).finally(() => spy.mockRestore());
    expect(made?.spec?.nodeName).toBe(spec?.nodeName);
    expect(proved(report)).toEqual(PROVED);
    await untilNothingIsLeft(taskId);
    const seen = pods.events.filter(({ pod }) => pod.metadata?.uid === made?.metadata?.uid);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter(({ pod }) => pod.status?.phase === 'Running')).toEqual([]);
  });

  it('is told as it was, though the answer to its Terminate was lost and Temporal’s client has sent that again', async () => {
    const { temporal } = scene.client;
    const { taskId } = await scene.client.start(command(busybox, FOREVER));
    await until('it runs', async () => (await scene.client.describe(taskId)).pod?.phase === 'Running');
    const terminate = temporal.workflowService.terminateWorkflowExecution.bind(temporal.workflowService);
    let sent = 0;
    const lost = vi.spyOn(temporal.workflowService, 'terminateWorkflowExecution');
    lost.mockImplementation(async (request) => {
      sent += 1;
      await terminate(request);
      return terminate(request);
    });
    const report = await scene.client.kill(taskId, { waitSeconds: PATIENT }).finally(() => lost.mockRestore());
    expect(sent).toBe(1);
    expect(proved(report)).toEqual(PROVED);
    await untilNothingIsLeft(taskId);
  });

  it('takes the run with it that a Reset begins meanwhile', async () => {
    const { temporal } = scene.client;
    const { taskId, runId } = await scene.client.start(command(busybox, FOREVER));
    await until('it runs', async () => (await scene.client.describe(taskId)).pod?.phase === 'Running');
    const [gate, reached] = [new Gate(), new Gate()];
    scene.proxy.setRule(({ verb, kind }) => {
      if (verb !== 'delete' || kind !== 'Job') return { do: 'pass' };
      reached.open();
      return { do: 'hold', until: gate };
    });
    const report = scene.client.kill(taskId);
    await reached.opened;
    const { events } = await temporal.workflow.getHandle(taskId, runId).fetchHistory();
    const decided = events?.find(({ workflowTaskCompletedEventAttributes }) => workflowTaskCompletedEventAttributes);
    await temporal.workflowService.resetWorkflowExecution({
      namespace: temporal.options.namespace,
      workflowExecution: { workflowId: taskId, runId },
      workflowTaskFinishEventId: decided?.eventId ?? null,
      requestId: randomUUID(),
      reason: 'a test',
    });
    expect((await scene.client.describe(taskId)).open).toBe(true);
    gate.open();
    expect(proved(await report)).toEqual(PROVED);
    expect((await scene.client.describe(taskId)).open).toBe(false);
    await untilNothingIsLeft(taskId);
  });
});
