/** A kill with nobody to help it: no worker lives, the node is stuck, Temporal has forgotten, answers are lost. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  KubeConfig,
  loadAllYaml,
  RbacAuthorizationV1Api,
  type V1PolicyRule,
  type V1Role,
} from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Kind } from '../../lab/proxy/classify.ts';
import { HoldfastClient, type DirectKillOptions } from '../../src/client.ts';
import { type Config, readConfig } from '../../src/config.ts';
import type { CommandTask } from '../../src/contract.ts';
import type { KillReport } from '../../src/kill/contract.ts';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';
import { abandoned, command, FOREVER, images, openScene, phaseOf, type Scene, until } from './scene.ts';

/** Deaf to SIGTERM, with a grace period that nobody waits for. */
const DEAF = { script: 'trap "" TERM; while :; do sleep 1; done', gracePeriod: '10m' };

let scene: Scene;
let busybox: string;
let folder: string;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-kill-'));
});
afterEach(() => scene.proxy.setRule(() => ({ do: 'pass' })));
afterAll(async () => {
  await scene.close();
  await rm(folder, { recursive: true, force: true });
});

/** With a limit for hangs, not a promise of speed: the node may be busy. */
function kill(taskId: string, options: DirectKillOptions = {}): Promise<KillReport> {
  return scene.client.kill(taskId, { waitSeconds: 120, ...options });
}

const nothing = { anchors: [], jobs: [], pods: [] };
const deaf = (more: Partial<CommandTask> = {}) =>
  command(busybox, DEAF.script, { gracePeriod: DEAF.gracePeriod, ...more });

describe('a kill with no worker alive', () => {
  it('ends a container that is deaf, leaves nothing, and tells Temporal why and by whom', async () => {
    const [id = ''] = await abandoned(scene, 'Running', deaf());
    const report = await kill(id, { reason: 'enough', by: 'ada@somewhere' });
    expect(await scene.remains(id)).toEqual(nothing);
    expect(report).toMatchObject({ answer: 'killed', was: 'open', pods: [{ end: 'terminated' }], left: [] });
    const { events } = await scene.client.temporal.workflow.getHandle(id).fetchHistory();
    const told = events?.at(-1)?.workflowExecutionTerminatedEventAttributes;
    expect(told).toMatchObject({ reason: 'killed: enough', identity: 'ada@somewhere' });
    expect(await kill(id)).toMatchObject({ answer: 'already_terminated', pods: [], left: [] });
  });

  it('ends a task that nobody has begun, and a task that is told of a kill by nobody stays ended', async () => {
    const { taskId } = await scene.client.start(command(busybox, FOREVER));
    expect(await kill(taskId)).toMatchObject({ answer: 'killed', was: 'open', pods: [] });
    await scene.startWorker();
    expect(await scene.client.result(taskId)).toEqual({ outcome: 'terminated' });
    expect(await scene.remains(taskId)).toEqual(nothing);
    await scene.worker.end('SIGKILL');
  });

  it('removes what a Terminate has left', async () => {
    const [id = ''] = await abandoned(scene, 'Running', command(busybox, FOREVER));
    await scene.client.temporal.workflow.getHandle(id).terminate('by hand');
    expect(await kill(id)).toMatchObject({ answer: 'killed', was: 'terminated', left: [] });
    expect(await scene.remains(id)).toEqual(nothing);
  });

  it('works though Temporal has forgotten the task, and knows no task that left no trace', async () => {
    const [id = ''] = await abandoned(scene, 'Running', command(busybox, FOREVER));
    const { temporal } = scene.client;
    const { namespace } = temporal.options;
    await temporal.workflow.getHandle(id).terminate('to be forgotten');
    await temporal.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId: id } });
    await until('it is forgotten', () =>
      scene.client.describe(id).then(
        () => false,
        () => true,
      ),
    );
    expect(await kill(id)).toMatchObject({ answer: 'killed', was: 'forgotten', left: [] });
    expect(await scene.remains(id)).toEqual(nothing);
    await expect(kill(id)).rejects.toMatchObject({ code: 'TASK_UNKNOWN' });
  });

  it('touches no workflow that is no task', async () => {
    const { temporal } = scene.client;
    const workflowId = `no-task-${randomUUID()}`;
    const handle = await temporal.workflow.start('other', { workflowId, taskQueue: `${workflowId}-nobody` });
    await expect(kill(workflowId)).rejects.toMatchObject({ code: 'TASK_UNKNOWN' });
    expect((await handle.describe()).status.name).toBe('RUNNING');
    await handle.terminate();
  });

  it('comes to its proof though the first answer to each of its deletions is lost, refused or late', async () => {
    const faults = [
      { do: 'drop answer' },
      { do: 'answer', status: 500 },
      { do: 'answer', status: 409 },
      { do: 'drop' },
    ] as const;
    const ids = await abandoned(scene, 'Running', ...faults.map(() => command(busybox, FOREVER)));
    const met = new Set<string>();
    scene.proxy.setRule(({ verb, kind, of }) => {
      const index = ids.findIndex((id) => of.startsWith(`hf-${id}-`));
      const fault = faults[index];
      if (verb !== 'delete' || fault === undefined || met.has(`${index} ${kind}`)) return { do: 'pass' };
      met.add(`${index} ${kind}`);
      return fault;
    });
    const reports = await Promise.all(ids.map((id) => kill(id)));
    expect(reports.map(({ answer }) => answer)).toEqual(ids.map(() => 'killed'));
    for (const id of ids) expect(await scene.remains(id)).toEqual(nothing);
    const kinds: readonly Kind[] = ['Job', 'ConfigMap', 'Pod'];
    for (const index of faults.keys()) for (const kind of kinds) expect(met).toContain(`${index} ${kind}`);
  });

  it('two at once and a third after agree', async () => {
    const [id = ''] = await abandoned(scene, 'Running', command(busybox, FOREVER));
    const [one, two] = await Promise.all([kill(id), kill(id)]);
    for (const { answer } of [one, two]) expect(['killed', 'already_terminated']).toContain(answer);
    expect([one.answer, two.answer]).toContain('killed');
    expect((await kill(id)).answer).toBe('already_terminated');
  });

  it('of a task that had ended says how, and ends nothing', async () => {
    await scene.startWorker();
    const { taskId } = await scene.client.start(command(busybox, 'true'));
    await scene.client.result(taskId);
    expect(await kill(taskId)).toMatchObject({ answer: 'already_completed', was: 'succeeded' });
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'succeeded' });
    await scene.worker.end('SIGKILL');
  });
});

describe('a kill that cannot be carried out', () => {
  it('ends nothing if Kubernetes does not answer, or the namespace is another', async () => {
    const [id = ''] = await abandoned(scene, 'Running', command(busybox, FOREVER));
    scene.proxy.setRule(() => ({ do: 'answer', status: 503 }));
    const refused = kill(id);
    await expect(refused).rejects.toMatchObject({
      code: 'KUBERNETES_UNREACHABLE',
      message: expect.stringContaining('Nothing was ended'),
    });
    scene.proxy.setRule(() => ({ do: 'pass' }));
    const elsewhere = new HoldfastClient(scene.client.temporal, at({ namespace: 'default' }));
    await expect(elsewhere.kill(id)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    const nowhere = new HoldfastClient(scene.client.temporal, { taskQueue: 'any', logDir: folder });
    await expect(nowhere.kill(id)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await phaseOf(scene, id)).toBe('Running');
    expect((await scene.client.describe(id)).open).toBe(true);
    await kill(id);
  });

  it('says so, and with the role of deploy/rbac-kill.yaml it can be', async () => {
    const [id = ''] = await abandoned(scene, 'Running', command(busybox, FOREVER));
    const operator = await clientOf('operator');
    const refused = operator.kill(id);
    await expect(refused).rejects.toMatchObject({
      code: 'KUBERNETES_FORBIDDEN',
      message: expect.stringContaining('Nothing was ended'),
    });
    const [role] = loadAllYaml(await readFile('deploy/rbac-kill.yaml', 'utf8')) as V1Role[];
    await bindRole('operator', role?.rules ?? []);
    let report: KillReport | undefined;
    await until('the role is in force', async () => {
      report = await operator.kill(id, { waitSeconds: 120 }).catch(() => undefined);
      return report !== undefined;
    });
    expect(report).toMatchObject({ answer: 'killed', was: 'open', left: [] });
    expect(await scene.remains(id)).toEqual(nothing);
  });

  it('ends nothing if the account may look at everything, but not delete', async () => {
    const [id = ''] = await abandoned(scene, 'Running', command(busybox, FOREVER));
    const viewer = await clientOf('viewer');
    const verbs = ['get', 'list', 'watch'];
    await bindRole('viewer', [
      { apiGroups: [''], resources: ['configmaps', 'pods'], verbs },
      { apiGroups: ['batch'], resources: ['jobs'], verbs },
    ]);
    let refusal: unknown;
    await until('the role is in force', async () => {
      refusal = await viewer.kill(id).catch((error: unknown) => error);
      return String(refusal).includes('may not delete');
    });
    expect(refusal).toMatchObject({
      code: 'KUBERNETES_FORBIDDEN',
      message: expect.stringContaining('jobs, configmaps, pods'),
    });
    expect(await phaseOf(scene, id)).toBe('Running');
    expect((await scene.client.describe(id)).open).toBe(true);
    await kill(id);
  });
});

/** As an account of its own, which may nothing yet. */
async function clientOf(name: string): Promise<HoldfastClient> {
  await scene.core.createNamespacedServiceAccount({ namespace: scene.namespace, body: { metadata: { name } } });
  return new HoldfastClient(scene.client.temporal, at({ kubeconfig: await asAccount(name) }));
}

function at(kubernetes: Partial<Config['kubernetes']>): Config {
  const context = kubernetes.kubeconfig === undefined ? {} : { context: 'loaded-context' };
  return { ...scene.config, kubernetes: { ...scene.config.kubernetes, ...context, ...kubernetes } };
}

async function asAccount(name: string): Promise<string> {
  const { namespace } = scene;
  const body = { spec: { audiences: [], expirationSeconds: 3_600 } };
  const { status } = await scene.core.createNamespacedServiceAccountToken({ name, namespace, body });
  const cluster = loadKubeConfig(readConfig().kubernetes).getCurrentCluster();
  if (cluster === null) throw new Error('the kubeconfig has no current cluster');
  const config = new KubeConfig();
  config.loadFromClusterAndUser(cluster, { name, token: status?.token ?? '' });
  const file = join(folder, `${name}.kubeconfig`);
  await writeFile(file, config.exportConfig());
  return file;
}

async function bindRole(name: string, rules: readonly V1PolicyRule[]): Promise<void> {
  const { namespace } = scene;
  const rbac = loadKubeConfig(readConfig().kubernetes).makeApiClient(RbacAuthorizationV1Api);
  await rbac.createNamespacedRole({ namespace, body: { metadata: { name }, rules: [...rules] } });
  await rbac.createNamespacedRoleBinding({
    namespace,
    body: {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  });
}
