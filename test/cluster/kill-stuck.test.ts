/** A kill of what is on a node that does not answer: whatever is said of it, that it has ended is not. */
import { randomUUID } from 'node:crypto';
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Kind } from '../../lab/proxy/classify.ts';
import { Gate } from '../../lab/proxy/gate.ts';
import { isEnding } from '../../src/fence.ts';
import { abandoned, command, FOREVER, images, openScene, type Scene, until } from './scene.ts';

/** A Node object with no kubelet behind it, which the scheduler leaves alone: Pods are bound to it by hand. */
const node = `stuck-${randomUUID().slice(0, 8)}`;
const label = 'holdfast.test/stuck-node';
const nothing = { anchors: [], jobs: [], pods: [] };

let scene: Scene;
let busybox: string;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene();
  const metadata = { name: node, labels: { [label]: node } };
  await scene.core.createNode({ body: { metadata, spec: { unschedulable: true } } });
});
afterEach(() => scene.proxy.setRule(() => ({ do: 'pass' })));
afterAll(async () => {
  await scene.core.deleteNode({ name: node });
  await scene.close();
});

/** A task with no worker, and its Pod, which waits for the node. */
async function waiting(): Promise<{ id: string; name: string }> {
  const [id = ''] = await abandoned(scene, 'Pending', command(busybox, FOREVER, { nodeSelector: { [label]: node } }));
  return { id, name: (await scene.remains(id)).pods[0]?.metadata?.name ?? '' };
}

/** What the scheduler would write, and a kubelet on that node. */
async function runOn(name: string): Promise<void> {
  const { namespace, core } = scene;
  const body = { metadata: { name }, target: { apiVersion: 'v1', kind: 'Node', name: node } };
  await core.createNamespacedPodBinding({ namespace, name, body });
  const state = { running: { startedAt: new Date() } };
  const container = { name: 'task', image: busybox, imageID: busybox, ready: true, restartCount: 0, state };
  const status = { phase: 'Running', containerStatuses: [container] };
  const options = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  await core.patchNamespacedPodStatus({ namespace, name, body: { status } }, options);
}

it('says that it may run on, where, and why; and Kubernetes is rid of it', async () => {
  const { id, name } = await waiting();
  await runOn(name);
  const report = await scene.client.kill(id, { waitSeconds: 2 });
  expect(report).toMatchObject({ answer: 'killed_unproved', was: 'open', left: [] });
  const why = expect.stringContaining('did not say within 2 s');
  expect(report.pods).toMatchObject([{ name, node, end: 'may_run', nodeState: 'not_ready', why }]);
  expect(await scene.remains(id)).toEqual(nothing);
  expect(await scene.client.result(id)).toEqual({ outcome: 'terminated' });
});

it('asks a Pod again that gets its node in that moment, before its Job goes; and does not say that it waited, if another removes it', async () => {
  const { id, name } = await waiting();
  const [deletions, asked, bound] = [[] as Kind[], new Gate(), new Gate()];
  scene.proxy.setRule(({ verb, kind, of }) => {
    if (verb !== 'delete' || !of.startsWith(`hf-${id}-`) || deletions.push(kind) > 1) return { do: 'pass' };
    asked.open();
    return { do: 'hold', until: bound };
  });
  const killing = scene.client.kill(id, { waitSeconds: 120 });
  await asked.opened;
  await runOn(name);
  bound.open();
  const { namespace, core } = scene;
  await until('its Job is being deleted', async () => (await scene.remains(id)).jobs.some(isEnding));
  expect(deletions.slice(0, 3)).toEqual(['Pod', 'Pod', 'Job']);
  await core.deleteNamespacedPod({ name, namespace, body: { gracePeriodSeconds: 0 } });
  const report = await killing;
  expect(report).toMatchObject({ answer: 'killed_unproved', left: [] });
  const why = expect.stringMatching(/^its object is gone, though not by force of this kill/);
  expect(report.pods).toMatchObject([{ name, node, end: 'may_run', why }]);
  expect(await scene.remains(id)).toEqual(nothing);
});
