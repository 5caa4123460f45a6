/** The manifests in deploy/, on a real API server: the role is enough, the Pods are within the strictest standard. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig, KubernetesObjectApi, loadAllYaml, type KubernetesObject } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, inject } from 'vitest';
import { Stage } from '../../lab/stage/stage.ts';
import { readConfig } from '../../src/config.ts';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';
import { Processes } from './processes.ts';
import { command, FOREVER, images, until } from './scene.ts';

let stage: Stage;
let objects: KubernetesObjectApi;
let folder: string;
let busybox: string;
const clusterWide: KubernetesObject[] = [];

/** A worker with the account of deploy/rbac.yaml and nothing else, in a namespace labelled as in deploy/namespace.yaml. */
beforeAll(async () => {
  ({ busybox } = await images());
  folder = await mkdtemp(join(tmpdir(), 'holdfast-deploy-'));
  const kubeconfig = join(folder, 'kubeconfig.json');
  stage = await Stage.open({
    workflowBundle: inject('workflowBundle'),
    env: { KUBECONFIG: kubeconfig, HOLDFAST_KUBE_CONTEXT: 'loaded-context' },
  });
  const admin = loadKubeConfig(readConfig().kubernetes);
  objects = KubernetesObjectApi.makeApiClient(admin);
  await restrictNamespace();
  for (const file of ['rbac.yaml', 'network-policy.yaml', 'admission-policy.yaml']) await create(file);
  await writeFile(kubeconfig, await asAccount(admin, 'holdfast-worker'));
  await writeFile(sweepersKubeconfig(), await asAccount(admin, 'holdfast-sweeper'));
  await stage.startWorker();
});

afterAll(async () => {
  for (const object of clusterWide) await objects.delete(object);
  await stage.close();
  await rm(folder, { recursive: true, force: true });
});

async function manifests(file: string): Promise<readonly KubernetesObject[]> {
  const text = await readFile(`deploy/${file}`, 'utf8');
  return loadAllYaml(renamed(text)) as KubernetesObject[];
}

/** Into the namespace of this test; what belongs to the whole cluster gets a name of its own. */
function renamed(text: string): string {
  return text
    .replace(/namespace: holdfast$/gm, `namespace: ${stage.namespace}`)
    .replace(/metadata\.name: holdfast$/gm, `metadata.name: ${stage.namespace}`)
    .replaceAll('holdfast-jobs', `holdfast-jobs-${stage.namespace}`);
}

async function create(file: string): Promise<void> {
  for (const object of await manifests(file)) {
    await objects.create(object);
    if (object.metadata?.namespace === undefined) clusterWide.push(object);
  }
}

function sweepersKubeconfig(): string {
  return join(folder, 'sweeper.json');
}

async function restrictNamespace(): Promise<void> {
  const [namespace] = await manifests('namespace.yaml');
  const labels = namespace?.metadata?.labels ?? {};
  expect(labels['pod-security.kubernetes.io/enforce']).toBe('restricted');
  await objects.patch({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: stage.namespace, labels } });
}

async function asAccount(admin: KubeConfig, account: string): Promise<string> {
  const { status } = await stage.core.createNamespacedServiceAccountToken({
    name: account,
    namespace: stage.namespace,
    body: { spec: { audiences: [], expirationSeconds: 3_600 } },
  });
  const cluster = admin.getCurrentCluster();
  if (cluster === null) throw new Error('the kubeconfig has no current cluster');
  const config = new KubeConfig();
  config.loadFromClusterAndUser(cluster, { name: account, token: status?.token ?? '' });
  return config.exportConfig();
}

const nothing = { anchors: [], jobs: [], pods: [] };

describe('a worker with no rights but those of deploy/rbac.yaml', () => {
  it('runs a task to its result, with its output, and leaves nothing', async () => {
    const { taskId } = await stage.client.start(command(busybox, 'echo allowed'));
    expect(await stage.client.result(taskId)).toMatchObject({ outcome: 'succeeded' });
    expect(await Array.fromAsync(stage.client.logs(taskId), ({ text }) => text)).toEqual(['allowed']);
    expect(await stage.remains(taskId)).toEqual(nothing);
  });

  it('cancels a running task, and leaves nothing', async () => {
    const { taskId } = await stage.client.start(command(busybox, FOREVER));
    await until('it runs', async () => (await stage.client.describe(taskId)).pod?.phase === 'Running');
    expect(await stage.client.cancel(taskId)).toBe('cancelled_running');
    expect(await stage.remains(taskId)).toEqual(nothing);
  });

  it('may not list nodes, and so waits for room where no node could ever do', async () => {
    const { taskId } = await stage.client.start(command(busybox, 'true', { resources: { cpu: '200' } }));
    const waits = async () => (await stage.client.describe(taskId)).problem?.code === 'UNSCHEDULABLE';
    await until('it says what it waits for', waits);
    expect((await stage.client.describe(taskId)).open).toBe(true);
    await stage.client.cancel(taskId);
    expect(await stage.remains(taskId)).toEqual(nothing);
  });
});

describe('a sweeper with no rights but its own of deploy/rbac.yaml', () => {
  it('ends a container that Terminate left, with no worker alive, and leaves nothing', async () => {
    const { taskId } = await stage.client.start(command(busybox, FOREVER));
    await until('it runs', async () => (await stage.client.describe(taskId)).pod?.phase === 'Running');
    await stage.worker.end('SIGKILL');
    await stage.client.temporal.workflow.getHandle(taskId).terminate('nobody is there');
    const { out, err } = await new Processes(stage).holdfast(['sweep', '--once', '--json'], {
      KUBECONFIG: sweepersKubeconfig(),
      HOLDFAST_KUBE_CONTEXT: 'loaded-context',
      HOLDFAST_SWEEP_SECONDS: '1',
      HOLDFAST_SWEEP_MIN_AGE_SECONDS: '1',
    }).ended;
    expect(JSON.parse(out)).toMatchObject({ removed: [{ taskId, reason: 'task closed' }], unfinished: [] });
    expect(err).not.toContain('forbidden');
    expect(await stage.remains(taskId)).toEqual(nothing);
    await stage.startWorker();
  });

  it('has a Deployment that the API server accepts', async () => {
    for (const object of await manifests('sweeper.yaml')) await objects.create(object, undefined, 'All');
  });
});

describe('the admission policy', () => {
  const job = (spec: object, owner: object | undefined) => ({
    namespace: stage.namespace,
    dryRun: 'All',
    body: {
      metadata: {
        name: 'shape',
        labels: { 'app.kubernetes.io/managed-by': 'holdfast' },
        ...(owner && { ownerReferences: [{ name: 'a', uid: 'b', ...owner } as never] }),
      },
      spec: {
        ...spec,
        template: {
          spec: {
            restartPolicy: 'Never',
            automountServiceAccountToken: false,
            containers: [{ name: 'c', image: busybox }],
          },
        },
      },
    },
  });
  const anchor = { apiVersion: 'v1', kind: 'ConfigMap' };

  it('refuses what calls itself ours and is not suspended at birth, or has no anchor for its owner', async () => {
    await until('the policy is in force', () =>
      stage.batch.createNamespacedJob(job({}, anchor)).then(
        () => false,
        () => true,
      ),
    );
    await stage.batch.createNamespacedJob(job({ suspend: true }, anchor));
    const refused = (message: RegExp) =>
      expect.objectContaining({ code: 422, message: expect.stringMatching(message) });
    await expect(stage.batch.createNamespacedJob(job({}, anchor))).rejects.toEqual(refused(/is created suspended/));
    await expect(stage.batch.createNamespacedJob(job({ suspend: true }, undefined))).rejects.toEqual(
      refused(/one owner/),
    );
  });
});
