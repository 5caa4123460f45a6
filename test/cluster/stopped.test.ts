/**
 * Servers and the node are stopped for real, by SIGKILL, and started again on what they left on their disks: in an
 * environment of the test's own, since nobody else could go on meanwhile. The API server has then forgotten what watches
 * go on from, the controllers what they were about, and the kubelet finds containers that it has not heard the end of.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, inject, it, type TestContext } from 'vitest';
import type { Environment } from '../../dev/supervisor.ts';
import { localState } from '../../lab/stage/local-state.ts';
import { ownEnvironment } from '../../lab/stage/own-environment.ts';
import { Stage } from '../../lab/stage/stage.ts';
import { Eyes } from '../../lab/sweep/eyes.ts';
import { Play } from './outage-play.ts';
import { command, FOREVER, until } from './scene.ts';

const STORE = ['etcd', 'kube-apiserver'];
const CONTROLLERS = ['kube-controller-manager', 'kube-scheduler'];
const KUBERNETES = [...STORE, ...CONTROLLERS];

/** How long servers are away, at least: longer than any deadline, and than the heartbeat timeout of all that is short. Seconds. */
const AWAY = 12;

const nothing = { anchors: [], jobs: [], pods: [] };

let own: Environment | undefined;

beforeAll(async () => {
  const { containers, isOurs } = (await localState()).kubernetes;
  if (isOurs && containers === 'real') own = await ownEnvironment({ name: 'own' });
}, 300_000);
afterAll(() => own?.stop());

type Act = (environment: Environment, scene: Stage, busybox: string) => Promise<void>;

/** On the environment of our own, if there is one, with a worker of its own. */
async function withScene({ skip }: TestContext, act: Act): Promise<void> {
  if (own === undefined) return skip('nothing can be stopped: the cluster that is up is not ours, or only simulated');
  const { env, images } = own.state;
  const scene = await Stage.open({ on: env, workflowBundle: inject('workflowBundle'), breakable: true });
  try {
    await scene.startWorker();
    await act(own, scene, images.busybox);
  } finally {
    await scene.close();
  }
}

describe('tasks in every phase carry on, none lost, doubled or falsely failed, and new ones are cancelled, when', () => {
  it.for<readonly [string, readonly string[]]>([
    ['Kubernetes', KUBERNETES],
    ['everything but the node', [...KUBERNETES, 'temporal']],
  ])('%s is killed and started again', ([, parts], context) =>
    withScene(context, async (environment, scene, busybox) => {
      const eyes = [await Eyes.open(scene.kube, scene.namespace)];
      try {
        const play = await Play.begin(scene, busybox, AWAY);
        // The worker's watches are not told: when they ask again, it is from before the restart.
        scene.lines.kubernetes.silence();
        for (const looking of eyes) looking.close();
        await environment.kill(...parts);
        await sleep(AWAY * 1_000);
        if (parts.includes('temporal')) await startTemporal(environment, scene);
        await play.meanwhile();
        eyes.push(await startKubernetes(environment, scene));
        await play.letGo();
        environment.restart(...CONTROLLERS);
        await Promise.all([
          play.end(...eyes),
          until('the worker is told that its version is too old', () => scene.worker.log.some(isExpired), 180),
        ]);
        await cancelsANewOne(scene, busybox);
      } finally {
        for (const looking of eyes) looking.close();
      }
    }),
  );
});

async function startTemporal(environment: Environment, { client }: Stage): Promise<void> {
  environment.restart('temporal');
  const asked = () => client.temporal.workflowService.getSystemInfo({});
  await until('Temporal answers', () => succeeds(asked()));
}

/** Gives eyes that open before anything is let go, and so see all that those from before the restart do not. */
async function startKubernetes(environment: Environment, { core, kube, namespace }: Stage): Promise<Eyes> {
  environment.restart(...STORE);
  await until('the API server answers', () => succeeds(core.readNamespace({ name: namespace })));
  return Eyes.open(kube, namespace);
}

function isExpired(line: string): boolean {
  return line.includes('listing again') && line.includes('too old resource version');
}

async function cancelsANewOne(scene: Stage, busybox: string): Promise<void> {
  const { client } = scene;
  const taskId = await runningTask(scene, command(busybox, FOREVER));
  expect(await client.cancel(taskId)).toBe('cancelled_running');
  expect(await scene.remains(taskId)).toEqual(nothing);
}

async function runningTask({ client }: Stage, task: ReturnType<typeof command>): Promise<string> {
  const { taskId } = await client.start(task, { id: `stopped-${randomUUID()}` });
  await until('it runs', async () => (await client.describe(taskId)).pod?.phase === 'Running');
  return taskId;
}

function succeeds(asked: Promise<unknown>): Promise<boolean> {
  return asked.then(
    () => true,
    () => false,
  );
}

describe('a node whose kubelet is killed while containers run on it', () => {
  it('lets no untruth be told: a kill says what may run, a task what became of its node, and its outcome when the kubelet is back', (context) =>
    withScene(context, async (environment, scene, busybox) => {
      const { client } = scene;
      const [killed, lost] = await Promise.all([markedTask(scene, busybox), markedTask(scene, busybox)]);
      const other = await secondNode(scene);
      try {
        await environment.kill('kubelet');

        const report = await client.kill(killed.id, { waitSeconds: 3 });
        expect(report).toMatchObject({ answer: 'killed_unproved', pods: [{ end: 'may_run' }] });
        expect(isRunning(killed.mark), 'what may run does run').toBe(true);

        await evictAtOnce(scene, lost.id);
        await until('it is said why', async () => (await client.describe(lost.id)).problem?.code === 'NODE_LOST', 180);
        expect(isRunning(lost.mark)).toBe(true);
        expect((await client.describe(lost.id)).open).toBe(true);

        environment.restart('kubelet');
        expect(await client.result(lost.id)).toMatchObject({ outcome: 'failed', problem: { code: 'NODE_LOST' } });
        expect(isRunning(lost.mark), 'the outcome is told after the proof').toBe(false);
        await until('the kubelet ends what it is not asked to run', () => !isRunning(killed.mark));
        for (const { id } of [killed, lost]) expect(await scene.remains(id)).toEqual(nothing);
      } finally {
        await other.stop();
      }
    }));
});

async function markedTask(scene: Stage, busybox: string): Promise<{ readonly id: string; readonly mark: string }> {
  const mark = randomUUID();
  return { mark, id: await runningTask(scene, command(busybox, `: ${mark}; ${FOREVER}`)) };
}

/** Whether a process of this machine has the mark on its command line. */
function isRunning(mark: string): boolean {
  const lines = readdirSync('/proc').map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return '';
    }
  });
  return lines.some((line) => line.includes(mark));
}

/**
 * Where no node at all answers, Kubernetes takes that for its own blindness and evicts nothing. So there is another one,
 * an object that the scheduler leaves alone and whose heartbeat is ours, until it is stopped.
 */
async function secondNode({ core, namespace }: Stage): Promise<{ stop(): Promise<unknown> }> {
  const name = `beside-${namespace}`;
  await core.createNode({ body: { metadata: { name }, spec: { unschedulable: true } } });
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  const beat = () => {
    const now = new Date();
    const ready = { type: 'Ready', status: 'True', reason: 'Said', lastHeartbeatTime: now, lastTransitionTime: now };
    return core.patchNodeStatus({ name, body: { status: { conditions: [ready] } } }, merge);
  };
  await beat();
  const beating = setInterval(() => void beat().catch(() => undefined), 5_000);
  return {
    stop: () => {
      clearInterval(beating);
      return core.deleteNode({ name });
    },
  };
}

/** By default a Pod is left on a lost node for five minutes; this one goes as soon as the node is taken for lost. */
async function evictAtOnce(scene: Stage, taskId: string): Promise<void> {
  const { core, namespace } = scene;
  const [pod] = (await scene.remains(taskId)).pods;
  const tolerations = pod?.spec?.tolerations?.map((toleration) => ({ ...toleration, tolerationSeconds: 0 }));
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  await core.patchNamespacedPod({ name: pod?.metadata?.name ?? '', namespace, body: { spec: { tolerations } } }, merge);
}
