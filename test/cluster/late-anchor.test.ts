/**
 * Found by the exhaustive model: Pods mount the anchor by name, and a create that lands after release brings the name
 * back. A Pod that the Job controller makes from a stale cache would then start, after "cancelled" was told.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Gate } from '../../lab/proxy/gate.ts';
import { ANNOTATION } from '../../src/fence.ts';
import { jobManifest, storedPlan } from '../../src/kubernetes/job.ts';
import { command, FOREVER, images, openScene, type Scene, until } from './scene.ts';

let scene: Scene;
let busybox: string;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene();
  await scene.startWorker();
});
afterAll(() => scene.close());

it('starts no container in a late Pod, though the create of its anchor lands after "cancelled"', async () => {
  const late = new Gate();
  const reached = new Gate();
  scene.proxy.setRule(({ verb, kind }) => {
    if (verb !== 'create' || kind !== 'ConfigMap') return { do: 'pass' };
    reached.open();
    return { do: 'hold', until: late };
  });
  const { taskId } = await scene.client.start(command(busybox, FOREVER));
  await reached.opened;
  expect(await scene.client.cancel(taskId)).toBe('cancelled_before_start');
  late.open();
  await until('the anchor has landed', async () => (await scene.remains(taskId)).anchors.length > 0);
  const [anchor] = (await scene.remains(taskId)).anchors;
  if (anchor?.metadata?.name === undefined) throw new Error('the anchor has no name');

  const { namespace } = scene;
  const run = { taskId, runId: anchor.metadata.annotations?.[ANNOTATION.runId] ?? '', attempt: 1 };
  const held = {
    run,
    namespace,
    name: anchor.metadata.name,
    uid: anchor.metadata.uid ?? '',
    workload: 'command',
    timeoutSeconds: 60,
  } as const;
  const { template } = jobManifest('any', held, storedPlan(anchor)).spec ?? {};
  if (template?.spec === undefined) throw new Error('the Job has no template');
  await scene.core.createNamespacedPod({ namespace, body: { metadata: { name: 'late' }, spec: template.spec } });
  await until('the kubelet has tried to mount the anchor', async () => {
    const { items } = await scene.core.listNamespacedEvent({ namespace, fieldSelector: 'involvedObject.name=late' });
    return items.some(({ reason }) => reason === 'FailedMount');
  });
  const pod = await scene.core.readNamespacedPod({ namespace, name: 'late' });
  expect(pod.status?.phase).toBe('Pending');
  expect(pod.status?.containerStatuses?.[0]?.state?.running).toBeUndefined();
  await scene.core.deleteNamespacedPod({ namespace, name: 'late' });
  await until('the sweeper has taken the anchor', async () => (await scene.remains(taskId)).anchors.length === 0);
});
