/**
 * Jobs that Kueue starts, on a real node, without its controller: the test does to them what Kueue's client does. What
 * Kubernetes makes of it, and what is told of the task, is real.
 */
import { randomUUID } from 'node:crypto';
import { BatchV1Api, KubeConfig, PatchStrategy, setHeaderOptions, type V1Job } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gate } from '../../lab/proxy/gate.ts';
import { PodWitness } from '../../lab/stage/pod-witness.ts';
import type { CommandTask } from '../../src/contract.ts';
import { ANNOTATION, isEnding, QUEUE_LABEL } from '../../src/fence.ts';
import { command, FOREVER, images, openScene, type Scene, until } from './scene.ts';

const QUEUE = 'team-a';
const nothing = { anchors: [], jobs: [], pods: [] };
const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);

let scene: Scene;
let busybox: string;
let pods: PodWitness;
/** Kueue's way to the API server, on which its requests can be held. */
let throughProxy: BatchV1Api;
const held = new Map<string, { readonly gate: Gate; readonly reached: Gate }>();

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene({ HOLDFAST_KUEUE_QUEUE: QUEUE });
  pods = new PodWitness(scene.kube, scene.namespace);
  const config = new KubeConfig();
  config.loadFromString(scene.proxy.kubeconfig('kueue'));
  throughProxy = config.makeApiClient(BatchV1Api);
  scene.proxy.setRule(({ verb, kind, of }) => {
    const hold = verb === 'patch' && kind === 'Job' ? held.get(of) : undefined;
    if (hold === undefined) return { do: 'pass' };
    hold.reached.open();
    return { do: 'hold', until: hold.gate };
  });
  await scene.startWorker();
});
afterAll(async () => {
  await pods.close();
  await scene.close();
});

async function queued(script: string, more: Partial<CommandTask> = {}): Promise<string> {
  const id = `queued-${randomUUID()}`;
  await scene.client.start(command(busybox, script, more), { id });
  await untilQueued(id);
  return id;
}

/** Kueue sees what carries its label, and nothing before. */
async function untilQueued(id: string, butNot?: string): Promise<void> {
  await until(`${id} is queued`, async () => {
    const { jobs } = await scene.remains(id);
    return jobs.some(({ metadata }) => metadata?.labels?.[QUEUE_LABEL] === QUEUE && metadata.name !== butNot);
  });
}

async function jobOf(id: string): Promise<V1Job> {
  const [job] = (await scene.remains(id)).jobs;
  if (job === undefined) throw new Error(`${id} has no Job`);
  return job;
}

const nameOf = (job: V1Job) => job.metadata?.name ?? 'none';

/** What Kueue writes when a Job is admitted: where its flavor has nodes, and that the Pod is its own. */
function admission({ metadata }: V1Job, blind = false): object {
  const template = {
    metadata: { labels: { 'kueue.x-k8s.io/podset': 'main' }, annotations: { 'kueue.x-k8s.io/workload': 'job-w' } },
    spec: {
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'flavor', operator: 'Equal', value: 'spot', effect: 'NoSchedule' }],
    },
  };
  const read = blind ? {} : { resourceVersion: metadata?.resourceVersion };
  return { metadata: read, spec: { suspend: false, template } };
}

/** Kueue reads again when somebody has written meanwhile. */
async function admit(id: string): Promise<void> {
  const { namespace, batch } = scene;
  await until(`${id} is admitted`, async () => {
    const job = await jobOf(id);
    const patched = batch.patchNamespacedJob({ namespace, name: nameOf(job), body: admission(job) }, merge);
    return patched.then(
      () => true,
      () => false,
    );
  });
}

async function running(script: string, more: Partial<CommandTask> = {}): Promise<string> {
  const id = await queued(script, more);
  await admit(id);
  await untilRuns(id);
  return id;
}

const untilRuns = (id: string) =>
  until(`${id} runs`, async () => (await scene.client.describe(id)).pod?.phase === 'Running');

/** Kueue takes a running Job's place away from it. */
async function preempt(id: string): Promise<V1Job> {
  const { namespace, batch } = scene;
  const job = await jobOf(id);
  const metadata = { annotations: { 'kueue.x-k8s.io/stopping': 'true' } };
  await batch.patchNamespacedJob({ namespace, name: nameOf(job), body: { metadata, spec: { suspend: true } } }, merge);
  return job;
}

const podsMadeOf = (id: string) =>
  pods.events.filter(({ pod }) => pod.metadata?.annotations?.[ANNOTATION.taskId] === id).map(({ pod }) => pod);

describe.concurrent('a Job that Kueue starts', () => {
  it('waits, makes no Pod, runs where Kueue says, and its timeout counts from there', async () => {
    const seconds = 20;
    const id = await queued('true', { timeout: `${seconds}s` });
    const since = Date.now();
    expect(await scene.client.describe(id)).toMatchObject({ phase: 'queued', started: false });
    await until('longer than its timeout', () => Date.now() - since > (seconds + 2) * 1_000);
    expect(await scene.client.describe(id)).toMatchObject({ phase: 'queued', started: false });
    expect(podsMadeOf(id)).toEqual([]);
    await admit(id);
    expect(await scene.client.result(id)).toMatchObject({ outcome: 'succeeded' });
    expect(await scene.remains(id)).toEqual(nothing);
    expect(podsMadeOf(id)[0]?.spec?.nodeSelector).toEqual({ 'kubernetes.io/os': 'linux' });
  });

  it('and that is cancelled while it is queued is told as one that never started, and leaves nothing', async () => {
    const id = await queued(FOREVER);
    expect(await scene.client.cancel(id)).toBe('cancelled_before_start');
    expect(await scene.remains(id)).toEqual(nothing);
    expect(podsMadeOf(id)).toEqual([]);
  });

  it('and that runs is cancelled like any other', async () => {
    const id = await running(FOREVER);
    expect(await scene.client.cancel(id)).toBe('cancelled_running');
    expect(await scene.remains(id)).toEqual(nothing);
  });

  it('and whose workflow is terminated while it is queued is gone soon', async () => {
    const id = await queued(FOREVER);
    await scene.client.temporal.workflow.getHandle(id).terminate('a test');
    await until('nothing is left', async () => Object.values(await scene.remains(id)).flat().length === 0);
    expect(podsMadeOf(id)).toEqual([]);
  });

  it('and that somebody deletes while it is queued ends its task', async () => {
    const id = await queued(FOREVER);
    const { namespace, batch } = scene;
    await batch.deleteNamespacedJob({ name: nameOf(await jobOf(id)), namespace });
    const told = await scene.client.result(id);
    expect(told).toMatchObject({ outcome: 'failed', problem: { code: 'JOB_DELETED' } });
  });
});

describe.concurrent("Kueue's word that it may start", () => {
  /** On the wire, and its answer: 200, or what it was refused with. */
  async function onTheWire(id: string, blind: boolean) {
    const job = await jobOf(id);
    const hold = { gate: new Gate(), reached: new Gate() };
    held.set(nameOf(job), hold);
    const { namespace } = scene;
    const answer = throughProxy
      .patchNamespacedJob({ namespace, name: nameOf(job), body: admission(job, blind) }, merge)
      .then(
        () => 200,
        (error: { code?: number }) => error.code,
      );
    await hold.reached.opened;
    return { land: hold.gate.open, answer, job };
  }

  /** As Kueue's Workload does: the Job is not gone before it is. */
  async function keepEnding(job: V1Job): Promise<() => Promise<unknown>> {
    const { namespace, core } = scene;
    const name = `workload-of-${nameOf(job)}`.slice(0, 63);
    const owner = { apiVersion: 'batch/v1', kind: 'Job', name: nameOf(job), uid: job.metadata?.uid ?? '' };
    const ownerReferences = [{ ...owner, controller: true, blockOwnerDeletion: true }];
    const metadata = { name, ownerReferences, finalizers: ['holdfast.dev/resource-in-use'] };
    await core.createNamespacedConfigMap({ namespace, body: { metadata } });
    return () => core.patchNamespacedConfigMap({ namespace, name, body: { metadata: { finalizers: null } } }, merge);
  }

  it('that lands after the cancel finds nothing', async () => {
    const id = await queued(FOREVER);
    const { land, answer } = await onTheWire(id, true);
    expect(await scene.client.cancel(id)).toBe('cancelled_before_start');
    land();
    expect(await answer).toBe(404);
    expect(await scene.remains(id)).toEqual(nothing);
    expect(podsMadeOf(id)).toEqual([]);
  });

  it.each([
    ['as Kueue sends it, is refused', false, 409],
    ['on no condition, is accepted and makes no Pod', true, 200],
  ] as const)('that lands while the Job is being deleted, %s', async (_, blind, code) => {
    const id = await queued(FOREVER);
    const { land, answer, job } = await onTheWire(id, blind);
    const letEnd = await keepEnding(job);
    const cancelled = scene.client.cancel(id);
    await until('it is being deleted', async () => isEnding(await jobOf(id)));
    land();
    expect(await answer).toBe(code);
    // Kueue is done with its Workload only now; before, nobody is told.
    expect(await scene.client.describe(id)).toMatchObject({ phase: 'releasing' });
    await letEnd();
    expect(await cancelled).toBe('cancelled_before_start');
    expect(await scene.remains(id)).toEqual(nothing);
    expect(podsMadeOf(id)).toEqual([]);
  });
});

describe.concurrent('a task that Kueue preempts', () => {
  it('fails, and says that its place went to others', async () => {
    const id = await running(FOREVER);
    await preempt(id);
    const told = await scene.client.result(id);
    expect(told).toMatchObject({ outcome: 'failed', problem: { code: 'EVICTED', facts: { disruption: 'Suspended' } } });
    expect(await scene.remains(id)).toEqual(nothing);
  });

  it('fails so also if it ends well when it is asked to', async () => {
    const id = await running('trap "exit 0" TERM; sleep 600 & wait');
    await preempt(id);
    expect(await scene.client.result(id)).toMatchObject({ outcome: 'failed', problem: { code: 'EVICTED' } });
  });

  it('is queued anew if it has retries, and is cancelled there like any other', async () => {
    const id = await running(FOREVER, { retries: 1 });
    const before = nameOf(await preempt(id));
    await untilQueued(id, before);
    const { jobs } = await scene.remains(id);
    expect(jobs).toHaveLength(1);
    expect(await scene.client.describe(id)).toMatchObject({ retried: { times: 1 } });
    await admit(id);
    await untilRuns(id);
    expect(await scene.client.cancel(id)).toBe('cancelled_running');
    expect(await scene.remains(id)).toEqual(nothing);
  });
});

it('a task that Kueue preempts and starts again while no worker lives does not run a second time', async () => {
  const id = await running(FOREVER);
  await scene.worker.end('SIGKILL');
  await preempt(id);
  await admit(id);
  await until('its second Pod', () => new Set(podsMadeOf(id).map(({ metadata }) => metadata?.uid)).size === 2);
  await scene.startWorker();
  expect(await scene.client.result(id)).toMatchObject({ outcome: 'failed', problem: { code: 'EVICTED' } });
  expect(await scene.remains(id)).toEqual(nothing);
});
