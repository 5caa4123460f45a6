/** What a soak stands on: servers of its own, on simulated nodes, and two workers, one of which is never killed. */
import { tmpdir } from 'node:os';
import type { Environment } from '../../dev/supervisor.ts';
import { LABEL, MANAGED_BY } from '../../src/fence.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';
import { WORKER_DEFAULTS } from '../bench/ground.ts';
import { Bystander } from '../stage/bystander.ts';
import { ownEnvironment } from '../stage/own-environment.ts';
import { Stage } from '../stage/stage.ts';
import { until } from '../stage/until.ts';
import { withWorkflowBundle } from '../stage/workflow-bundle.ts';
import type { WorkerProcess } from '../stage/worker-process.ts';
import { Eyes } from '../sweep/eyes.ts';
import type { PlayGround } from './play.ts';

/** The API server and what it keeps its objects in. */
const STORE = ['etcd', 'kube-apiserver'];
const NODES = 20;
/** Where a worker that is sent SIGUSR2 writes what it does and what its memory is. */
export const REPORTS = tmpdir();
/** How long the API server may take to answer again. Seconds. */
const ANSWERS_WITHIN = 180;

interface Parts extends PlayGround {
  readonly environment: Environment;
  readonly bystander: Bystander;
  readonly steady: WorkerProcess;
}

export class Ground implements PlayGround {
  readonly stage: Stage;
  readonly eyes: Eyes;
  readonly image: string;
  readonly temporalId: string;
  readonly bystander: Bystander;
  /** The worker that is never killed. */
  readonly steady: WorkerProcess;
  readonly #environment: Environment;

  constructor({ stage, eyes, image, temporalId, bystander, steady, environment }: Parts) {
    this.stage = stage;
    this.eyes = eyes;
    this.image = image;
    this.temporalId = temporalId;
    this.bystander = bystander;
    this.steady = steady;
    this.#environment = environment;
  }

  /** The other worker, and another in its place. */
  async killWorker(): Promise<void> {
    await this.stage.worker.end('SIGKILL');
    await this.stage.startWorker();
  }

  /** Kills the API server and starts it on its data; gives how long it did not answer, in seconds. */
  async restartApiServer(): Promise<number> {
    const since = Date.now();
    await this.#environment.kill(...STORE);
    this.#environment.restart(...STORE);
    await until('the API server answers', () => this.#answers(), ANSWERS_WITHIN);
    return (Date.now() - since) / 1_000;
  }

  /** Names of everything of Holdfast's that the API server has, but for the bystander. */
  async left(): Promise<readonly string[]> {
    const { namespace, core, batch } = this.stage;
    const labelSelector = `${LABEL.managedBy}=${MANAGED_BY},${LABEL.task}!=${Bystander.TASK}`;
    const lists = await Promise.all([
      core.listNamespacedConfigMap({ namespace, labelSelector }),
      batch.listNamespacedJob({ namespace, labelSelector }),
      core.listNamespacedPod({ namespace, labelSelector }),
    ]);
    return lists.flatMap(({ items }) => items.map(({ metadata }) => metadata?.name ?? ''));
  }

  #answers(): Promise<boolean> {
    const { core, namespace } = this.stage;
    return core.readNamespace({ name: namespace }).then(
      () => true,
      () => false,
    );
  }
}

/** Lends a ground and ends all of it. Rejects as soon as a part of the environment dies by itself, or `asked` resolves. */
export async function withGround<T>(asked: Promise<string>, use: (ground: Ground) => Promise<T>): Promise<T> {
  const environment = await ownEnvironment({ name: 'soak', simulated: true, simulatedNodes: NODES, asked });
  const failed = Promise.race([environment.broken, asked.then((signal) => `Stopped by ${signal}.`)]).then((why) =>
    Promise.reject(new Error(why)),
  );
  failed.catch(() => undefined);
  const orFailed = (ground: Ground) => Promise.race([use(ground), failed]);
  try {
    return await withWorkflowBundle((workflowBundle) => onStage(environment, workflowBundle, orFailed));
  } finally {
    await environment.stop();
  }
}

async function onStage<T>(environment: Environment, workflowBundle: string, use: (ground: Ground) => Promise<T>) {
  const on = environment.state.env;
  const { KUBECONFIG, HOLDFAST_KUBE_CONTEXT } = on;
  // Past the fault proxy: nothing is done to requests here, and it would take time from what is measured.
  const NODE_OPTIONS = `--report-on-signal --report-directory=${REPORTS}`;
  const env = { ...WORKER_DEFAULTS, KUBECONFIG, HOLDFAST_KUBE_CONTEXT, NODE_OPTIONS };
  const stage = await Stage.open({ on, workflowBundle, env });
  const eyes = await Eyes.open(stage.kube, stage.namespace, { beginAgain: true });
  const bystander = await Bystander.place(stage);
  const temporalId = await namespaceId(stage.client.temporal);
  const steady = await stage.startWorker();
  try {
    await stage.startWorker();
    const image = environment.state.images.busybox;
    return await use(new Ground({ stage, eyes, image, temporalId, bystander, steady, environment }));
  } finally {
    eyes.close();
    await steady.end('SIGTERM');
    // Its namespace goes with the environment, which may be the first to have gone.
    await stage.close().catch(() => undefined);
  }
}
