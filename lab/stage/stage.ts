/**
 * A worker process of its own, in a namespace and on a task queue of its own, with the fault proxy between it and the
 * API server; and eyes that look at the API server directly, past proxy and product. Tests and the laboratory share it.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchV1Api,
  CoreV1Api,
  type KubeConfig,
  type V1ConfigMap,
  type V1Job,
  type V1Pod,
} from '@kubernetes/client-node';
import { HoldfastClient } from '../../src/client.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { LABEL, taskLabel } from '../../src/fence.ts';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';
import { FaultProxy } from '../proxy/fault-proxy.ts';
import { Line } from '../proxy/outage.ts';
import { until } from './until.ts';
import { WorkerProcess } from './worker-process.ts';

export interface StageOptions {
  /** The variables of an environment to stand on; else the one that is up. */
  readonly on?: NodeJS.ProcessEnv;
  /** A bundle made before; else each worker makes its own. */
  readonly workflowBundle?: string;
  /** Variables for the worker, over the usual ones. */
  readonly env?: NodeJS.ProcessEnv;
  /** Puts lines that can be cut between the worker and both servers; client and eyes do not go through them. */
  readonly breakable?: boolean;
}

/** From the worker to Kubernetes, past which the fault proxy comes, and to Temporal. */
export interface Lines {
  readonly kubernetes: Line;
  readonly temporal: Line;
}

export interface Remains {
  readonly anchors: readonly V1ConfigMap[];
  readonly jobs: readonly V1Job[];
  readonly pods: readonly V1Pod[];
}

export class Stage {
  readonly client: HoldfastClient;
  readonly proxy: FaultProxy;
  readonly namespace: string;
  readonly config: Config;
  readonly core: CoreV1Api;
  readonly batch: BatchV1Api;
  readonly kube: KubeConfig;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #lines: Lines | undefined;
  #worker: WorkerProcess | undefined;

  private constructor(parts: {
    client: HoldfastClient;
    proxy: FaultProxy;
    namespace: string;
    config: Config;
    kube: KubeConfig;
    folder: string;
    env: NodeJS.ProcessEnv;
    lines: Lines | undefined;
  }) {
    this.client = parts.client;
    this.proxy = parts.proxy;
    this.namespace = parts.namespace;
    this.config = parts.config;
    this.core = parts.kube.makeApiClient(CoreV1Api);
    this.batch = parts.kube.makeApiClient(BatchV1Api);
    this.kube = parts.kube;
    this.#folder = parts.folder;
    this.#env = parts.env;
    this.#lines = parts.lines;
  }

  static async open({ on, workflowBundle, env: more, breakable = false }: StageOptions = {}): Promise<Stage> {
    const ground = { ...process.env, ...on };
    const base = readConfig(ground);
    const kube = loadKubeConfig(base.kubernetes);
    const proxy = await FaultProxy.listen(kube);
    const temporal = base.temporal.connectionOptions.address ?? '127.0.0.1:7233';
    const lines = breakable ? await linesTo(proxy, temporal) : undefined;
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-scene-'));
    const name = `hf-test-${randomUUID().slice(0, 8)}`;
    const kubeconfig = join(folder, 'kubeconfig.json');
    await writeFile(kubeconfig, proxy.kubeconfig('through-proxy', lines?.kubernetes.address));
    const env = {
      ...ground,
      TEMPORAL_ADDRESS: temporal,
      TEMPORAL_NAMESPACE: base.temporal.namespace,
      KUBECONFIG: kubeconfig,
      HOLDFAST_KUBE_CONTEXT: 'through-proxy',
      HOLDFAST_KUBE_NAMESPACE: name,
      HOLDFAST_KUBE_DEADLINE_MS: '2000',
      HOLDFAST_SWEEP_SECONDS: '2',
      // What a test plants is young, and often most of what is there.
      HOLDFAST_SWEEP_MIN_AGE_SECONDS: '1',
      HOLDFAST_SWEEP_MAX_PERCENT: '100',
      HOLDFAST_TASK_QUEUE: name,
      HOLDFAST_LOG_DIR: join(folder, 'logs'),
      HOLDFAST_PYTHON_IMAGE: base.pythonImage,
      HOLDFAST_WORKFLOW_BUNDLE: workflowBundle,
      ...more,
    };
    const config = readConfig(env);
    const client = await HoldfastClient.connect(config);
    const throughLine = lines === undefined ? env : { ...env, TEMPORAL_ADDRESS: lines.temporal.address };
    const stage = new Stage({ client, proxy, namespace: name, config, kube, folder, env: throughLine, lines });
    await stage.#createNamespace();
    return stage;
  }

  async close(): Promise<void> {
    await this.#worker?.end('SIGTERM');
    await this.client.close();
    await this.core.deleteNamespace({ name: this.namespace });
    await Promise.all([this.#lines?.kubernetes.close(), this.#lines?.temporal.close()]);
    await this.proxy.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async startWorker(): Promise<WorkerProcess> {
    this.#worker = await WorkerProcess.start(this.#env);
    return this.#worker;
  }

  /** What a worker of this stage is given. */
  get environment(): NodeJS.ProcessEnv {
    return this.#env;
  }

  get lines(): Lines {
    if (this.#lines === undefined) throw new TypeError('the stage was not opened as breakable');
    return this.#lines;
  }

  get worker(): WorkerProcess {
    if (this.#worker === undefined) throw new TypeError('no worker was started');
    return this.#worker;
  }

  /** Everything of a task that the API server still has. */
  async remains(taskId: string): Promise<Remains> {
    const { namespace } = this;
    const labelSelector = `${LABEL.task}=${taskLabel(await namespaceId(this.client.temporal), taskId)}`;
    const [anchors, jobs, pods] = await Promise.all([
      this.core.listNamespacedConfigMap({ namespace, labelSelector }),
      this.batch.listNamespacedJob({ namespace, labelSelector }),
      this.core.listNamespacedPod({ namespace, labelSelector }),
    ]);
    return { anchors: anchors.items, jobs: jobs.items, pods: pods.items };
  }

  async #createNamespace(): Promise<void> {
    const { namespace } = this;
    await this.core.createNamespace({ body: { metadata: { name: namespace } } });
    await until('the default service account', async () => {
      const { items } = await this.core.listNamespacedServiceAccount({ namespace });
      return items.length > 0;
    });
  }
}

async function linesTo(proxy: FaultProxy, temporal: string): Promise<Lines> {
  const [toKubernetes, toTemporal] = await Promise.all([Line.listen(new URL(proxy.url).host), Line.listen(temporal)]);
  return { kubernetes: toKubernetes, temporal: toTemporal };
}
