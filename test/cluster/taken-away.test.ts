/**
 * What a task stands on is taken away, by the platform or by hand: it ends with a typed outcome that says so, or runs
 * anew where it had not been started, and nothing is left. A node cannot be stopped here without stopping everything
 * else on it (stopped.test.ts does, on its own), so the one that is lost is an object without a machine, to which a Pod is
 * bound by hand and said to run: what the control plane does then, and what is made of it, is real.
 */
import { randomUUID } from 'node:crypto';
import { PatchStrategy, SchedulingV1Api, setHeaderOptions } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SeenRequest, Verb } from '../../lab/proxy/classify.ts';
import { Gate } from '../../lab/proxy/gate.ts';
import { localState } from '../../lab/stage/local-state.ts';
import type { CommandTask } from '../../src/contract.ts';
import { CONTAINER } from '../../src/kubernetes/job.ts';
import { command, FOREVER, images, openScene, type Scene, until } from './scene.ts';
import { tellToFinish, UNTIL_TOLD } from './until-told.ts';

const nothing = { anchors: [], jobs: [], pods: [] };

/** A scene in which requests can be kept on the wire, by task. */
class HoldingScene {
  readonly scene: Scene;
  readonly #busybox: string;
  readonly #held = new Map<string, { readonly at: string; readonly gate: Gate; readonly reached: Gate }>();

  private constructor(scene: Scene, busybox: string) {
    this.scene = scene;
    this.#busybox = busybox;
    scene.proxy.setRule((request) => this.#rule(request));
  }

  static async open(): Promise<HoldingScene> {
    const { busybox } = await images();
    const scene = await openScene();
    await scene.startWorker();
    return new HoldingScene(scene, busybox);
  }

  async start(script: string, more: Partial<CommandTask> = {}, id = `taken-${randomUUID()}`): Promise<string> {
    await this.scene.client.start(command(this.#busybox, script, more), { id });
    return id;
  }

  async running(script = FOREVER, more: Partial<CommandTask> = {}): Promise<string> {
    const taskId = await this.start(script, more);
    await until('it runs', async () => (await this.scene.client.describe(taskId)).pod?.phase === 'Running');
    return taskId;
  }

  /** A task whose requests of one kind stay on the wire until the gate is opened. */
  async heldAt(at: `${Verb} ${SeenRequest['kind']}`, script = 'true'): Promise<{ taskId: string; gate: Gate }> {
    const taskId = `taken-${randomUUID()}`;
    const held = { at, gate: new Gate(), reached: new Gate() };
    this.#held.set(`hf-${taskId}`.slice(0, 40), held);
    await this.start(script, {}, taskId);
    await held.reached.opened;
    return { taskId, gate: held.gate };
  }

  /** By somebody else, past the proxy. */
  async takeAway(which: 'anchor' | 'job', taskId: string): Promise<void> {
    const { anchor, job: name } = await this.namesOf(taskId);
    const { namespace, core, batch } = this.scene;
    if (which === 'anchor') await core.deleteNamespacedConfigMap({ name: anchor, namespace });
    else await batch.deleteNamespacedJob({ name, namespace, body: { propagationPolicy: 'Background' } });
  }

  /** Names of what the task has now. */
  async namesOf(taskId: string): Promise<{ anchor: string; job: string; pod: string }> {
    const { anchors, jobs, pods } = await this.scene.remains(taskId);
    const name = ([first]: readonly { metadata?: { name?: string } }[]) => first?.metadata?.name ?? 'none';
    return { anchor: name(anchors), job: name(jobs), pod: name(pods) };
  }

  async #rule({ verb, kind, of }: SeenRequest) {
    const held = this.#held.get(of.slice(0, 40));
    if (held?.at !== `${verb} ${kind}`) return { do: 'pass' } as const;
    held.reached.open();
    return { do: 'hold', until: held.gate } as const;
  }
}

async function outcomeOf({ scene }: HoldingScene, taskId: string): Promise<string> {
  const told = await scene.client.result(taskId);
  // What others deleted in the background may be gone a moment after the outcome.
  await until('nothing is left', async () => Object.values(await scene.remains(taskId)).flat().length === 0);
  return told.outcome === 'failed' ? told.problem.code : told.outcome;
}

let ours: HoldingScene;

beforeAll(async () => {
  ours = await HoldingScene.open();
});
afterAll(() => ours.scene.close());

describe.concurrent('taken away by the platform:', () => {
  it('a Pod that is evicted ends its task as EVICTED', async () => {
    const taskId = await ours.running();
    const { pod: name } = await ours.namesOf(taskId);
    const { namespace } = ours.scene;
    await ours.scene.core.createNamespacedPodEviction({ name, namespace, body: { metadata: { name, namespace } } });
    expect(await outcomeOf(ours, taskId)).toBe('EVICTED');
  });

  it('a Pod that is evicted, of a task with retries: it runs anew, one Job at a time, and is cancelled like any other', async () => {
    const { namespace, client, core } = ours.scene;
    const taskId = await ours.running(FOREVER, { retries: 1 });
    const before = await ours.namesOf(taskId);
    await core.createNamespacedPodEviction({ name: before.pod, namespace, body: { metadata: { name: before.pod } } });
    await until('it runs anew', async () => {
      const { retried, pod } = await client.describe(taskId);
      return retried?.times === 1 && pod?.phase === 'Running';
    });
    const { anchors, jobs, pods } = await ours.scene.remains(taskId);
    expect([anchors.length, jobs.length, pods.length]).toEqual([1, 1, 1]);
    expect(jobs[0]?.metadata?.name).not.toBe(before.job);
    expect(await client.cancel(taskId)).toBe('cancelled_running');
    expect(await ours.scene.remains(taskId)).toEqual(nothing);
  });

  it('a Pod that is preempted by a more important one ends its task as EVICTED', async ({ skip }) => {
    if ((await localState()).kubernetes.containers !== 'real') return skip('nothing runs on a simulated node');
    const { scene } = ours;
    const { namespace } = scene;
    const priorities = scene.kube.makeApiClient(SchedulingV1Api);
    // One seat, and nobody else who could sit on it: whatever else runs on the node stays.
    const seat = `holdfast.dev/seat-${namespace}`;
    const advertise = await seatOn(scene, seat);
    await priorities.createPriorityClass({ body: { metadata: { name: namespace }, value: 1_000 } });
    try {
      await advertise('1');
      const resources = { cpu: '50m', memory: '32Mi', devices: { [seat]: 1 } };
      const taskId = await ours.running(FOREVER, { resources });
      const limits = { [seat]: '1' };
      const containers = [{ name: 'c', image: (await images()).busybox, command: ['true'], resources: { limits } }];
      const spec = { priorityClassName: namespace, restartPolicy: 'Never', containers };
      await scene.core.createNamespacedPod({ namespace, body: { metadata: { name: 'important' }, spec } });
      expect(await scene.client.result(taskId)).toMatchObject({
        problem: { code: 'EVICTED', message: expect.stringContaining('preempting') },
      });
      expect(await scene.remains(taskId)).toEqual(nothing);
    } finally {
      await advertise(null);
      await priorities.deletePriorityClass({ name: namespace });
    }
  });

  it('a Pod whose node is lost ends its task as NODE_LOST, as soon as Kubernetes says so', async () => {
    const { scene } = ours;
    const { namespace } = scene;
    const node = `lost-${namespace}`;
    // Nobody else's Pods are put on a node that is cordoned.
    const metadata = { name: node, labels: { 'holdfast.dev/lost': namespace } };
    await scene.core.createNode({ body: { metadata, spec: { unschedulable: true } } });
    try {
      const taskId = await ours.start('true', { nodeSelector: { 'holdfast.dev/lost': namespace } });
      await until('it has a Pod', async () => (await scene.remains(taskId)).pods.length > 0);
      const { pod: name } = await ours.namesOf(taskId);
      const target = { apiVersion: 'v1', kind: 'Node', name: node };
      await scene.core.createNamespacedPodBinding({ name, namespace, body: { metadata: { name }, target } });
      const state = { running: { startedAt: new Date() } };
      const status = { name: CONTAINER, image: 'i', imageID: '', ready: true, restartCount: 0, state };
      const body = { status: { phase: 'Running', containerStatuses: [status] } };
      const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
      await scene.core.patchNamespacedPodStatus({ name, namespace, body }, merge);
      await until('it is said to run', async () => (await scene.client.describe(taskId)).pod?.phase === 'Running');
      await scene.core.deleteNode({ name: node });
      expect(await outcomeOf(ours, taskId)).toBe('NODE_LOST');
    } finally {
      await scene.core.deleteNode({ name: node }).catch(() => undefined);
    }
  });
});

describe.concurrent('deleted by hand:', () => {
  it.each(['Foreground', 'Background', 'Orphan'])(
    'the Job of a running task (%s): JOB_DELETED, and its Pod is ended',
    async (propagationPolicy) => {
      const taskId = await ours.running();
      const { job: name } = await ours.namesOf(taskId);
      await ours.scene.batch.deleteNamespacedJob({
        name,
        namespace: ours.scene.namespace,
        body: { propagationPolicy },
      });
      expect(await outcomeOf(ours, taskId)).toBe('JOB_DELETED');
    },
  );

  it('the Pod of a running task: JOB_DELETED', async () => {
    const taskId = await ours.running();
    const { pod: name } = await ours.namesOf(taskId);
    await ours.scene.core.deleteNamespacedPod({ name, namespace: ours.scene.namespace });
    expect(await outcomeOf(ours, taskId)).toBe('JOB_DELETED');
  });

  it('the anchor of a running task: JOB_DELETED', async () => {
    const taskId = await ours.running();
    await ours.takeAway('anchor', taskId);
    expect(await outcomeOf(ours, taskId)).toBe('JOB_DELETED');
  });

  it('the anchor of a running task, but not what it owns: the task ends by itself, as it would have', async () => {
    const taskId = await ours.running(UNTIL_TOLD);
    const { anchor: name } = await ours.namesOf(taskId);
    const body = { propagationPolicy: 'Orphan' };
    await ours.scene.core.deleteNamespacedConfigMap({ name, namespace: ours.scene.namespace, body });
    await tellToFinish(ours.scene, taskId);
    expect(await outcomeOf(ours, taskId)).toBe('succeeded');
  });

  it('the anchor, before the Job is made: the task runs anew', async () => {
    const { taskId, gate } = await ours.heldAt('patch ConfigMap');
    await ours.takeAway('anchor', taskId);
    gate.open();
    expect(await outcomeOf(ours, taskId)).toBe('succeeded');
  });

  it.each(['anchor', 'job'] as const)('the %s, before the Job is started: the task runs anew', async (which) => {
    const { taskId, gate } = await ours.heldAt('patch Job');
    await ours.takeAway(which, taskId);
    await until('the Job is gone', async () => (await ours.scene.remains(taskId)).jobs.length === 0);
    gate.open();
    expect(await outcomeOf(ours, taskId)).toBe('succeeded');
  });

  it.each(['anchor', 'job'] as const)('the %s, while the task is released: it keeps its outcome', async (which) => {
    const { taskId, gate } = await ours.heldAt('delete Job');
    await ours.takeAway(which, taskId);
    gate.open();
    expect(await outcomeOf(ours, taskId)).toBe('succeeded');
  });

  it('the namespace: every task in it ends, with a code; the worker lives, and works when the namespace is back', async () => {
    const other = await HoldingScene.open();
    const { scene } = other;
    const { namespace: name } = scene;
    const codes = async (taskIds: readonly string[]) => Promise.all(taskIds.map((taskId) => outcomeOf(other, taskId)));
    try {
      const [runs, waits, provisioning, reserving, releasing] = await Promise.all([
        other.running(),
        other.start('true', { nodeSelector: { 'holdfast.dev/no-such': 'node' } }),
        other.heldAt('create ConfigMap'),
        other.heldAt('create Job'),
        other.heldAt('delete Job'),
      ]);
      await scene.core.deleteNamespace({ name });
      const late = await other.start('true');
      for (const { gate } of [provisioning, reserving, releasing]) gate.open();
      expect(await codes([runs, waits])).toEqual(['JOB_DELETED', 'JOB_DELETED']);
      expect(await codes([provisioning.taskId, reserving.taskId, late])).toEqual(Array(3).fill('NAMESPACE_GONE'));
      expect(await codes([releasing.taskId])).toEqual(['succeeded']);
      await until('the namespace is gone', () => isGone(scene));
      expect(await codes([await other.start('true')])).toEqual(['NAMESPACE_GONE']);
      await scene.core.createNamespace({ body: { metadata: { name } } });
      expect(await codes([await other.start('true')])).toEqual(['succeeded']);
    } finally {
      await scene.close();
    }
  });
});

async function isGone({ core, namespace }: Scene): Promise<boolean> {
  const { items } = await core.listNamespace({ fieldSelector: `metadata.name=${namespace}` });
  return items.length === 0;
}

/** Gives the node an amount of something that exists nowhere else; null takes it away again. */
async function seatOn({ core }: Scene, seat: string): Promise<(amount: string | null) => Promise<unknown>> {
  const { items } = await core.listNode();
  const name = items.find(({ spec }) => spec?.unschedulable !== true)?.metadata?.name ?? '';
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  return (amount) => {
    const amounts = { [seat]: amount };
    return core.patchNodeStatus({ name, body: { status: { capacity: amounts, allocatable: amounts } } }, merge);
  };
}
