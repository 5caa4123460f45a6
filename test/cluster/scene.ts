/**
 * A worker process of its own, in a namespace and on a task queue of its own, with the fault proxy between it and the
 * API server; and eyes that look at the API server directly, past proxy and product.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchV1Api,
  CoreV1Api,
  type KubeConfig,
  type V1ConfigMap,
  type V1Job,
  type V1Pod,
} from '@kubernetes/client-node';
import { inject } from 'vitest';
import { FaultProxy } from '../../lab/proxy/fault-proxy.ts';
import { HoldfastClient } from '../../src/client.ts';
import { type Config, readConfig } from '../../src/config.ts';
import type { CommandTask, Task } from '../../src/contract.ts';
import { LABEL, taskLabel } from '../../src/fence.ts';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';
import { PodWitness } from './witness.ts';

export interface Remains {
  readonly anchors: readonly V1ConfigMap[];
  readonly jobs: readonly V1Job[];
  readonly pods: readonly V1Pod[];
}

export class Scene {
  readonly client: HoldfastClient;
  readonly proxy: FaultProxy;
  readonly namespace: string;
  readonly config: Config;
  readonly core: CoreV1Api;
  readonly batch: BatchV1Api;
  readonly pods: PodWitness;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  #worker: WorkerProcess | undefined;

  private constructor(parts: {
    client: HoldfastClient;
    proxy: FaultProxy;
    namespace: string;
    config: Config;
    kube: KubeConfig;
    folder: string;
    env: NodeJS.ProcessEnv;
  }) {
    this.client = parts.client;
    this.proxy = parts.proxy;
    this.namespace = parts.namespace;
    this.config = parts.config;
    this.core = parts.kube.makeApiClient(CoreV1Api);
    this.batch = parts.kube.makeApiClient(BatchV1Api);
    this.pods = new PodWitness(parts.kube, parts.namespace);
    this.#folder = parts.folder;
    this.#env = parts.env;
  }

  static async open(): Promise<Scene> {
    const base = readConfig();
    const kube = loadKubeConfig(base.kubernetes);
    const proxy = await FaultProxy.listen(kube);
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-scene-'));
    const name = `hf-test-${randomUUID().slice(0, 8)}`;
    const kubeconfig = join(folder, 'kubeconfig.json');
    await writeFile(kubeconfig, proxy.kubeconfig('through-proxy'));
    const env = {
      ...process.env,
      TEMPORAL_ADDRESS: base.temporal.connectionOptions.address,
      TEMPORAL_NAMESPACE: base.temporal.namespace,
      KUBECONFIG: kubeconfig,
      HOLDFAST_KUBE_CONTEXT: 'through-proxy',
      HOLDFAST_KUBE_NAMESPACE: name,
      HOLDFAST_KUBE_DEADLINE_MS: '2000',
      HOLDFAST_SWEEP_SECONDS: '2',
      HOLDFAST_TASK_QUEUE: name,
      HOLDFAST_LOG_DIR: join(folder, 'logs'),
      HOLDFAST_PYTHON_IMAGE: base.pythonImage,
      HOLDFAST_WORKFLOW_BUNDLE: inject('workflowBundle'),
    };
    const config = readConfig(env);
    const client = await HoldfastClient.connect(config);
    const scene = new Scene({ client, proxy, namespace: name, config, kube, folder, env });
    await scene.#createNamespace();
    return scene;
  }

  async close(): Promise<void> {
    await this.#worker?.end('SIGTERM');
    await this.pods.close();
    await this.client.close();
    await this.core.deleteNamespace({ name: this.namespace });
    await this.proxy.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async startWorker(): Promise<WorkerProcess> {
    this.#worker = await WorkerProcess.start(this.#env);
    return this.#worker;
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

export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', resolve));
  }

  static async start(env: NodeJS.ProcessEnv): Promise<WorkerProcess> {
    const child = spawn(process.execPath, ['src/worker.ts'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const worker = new WorkerProcess(child);
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        output = (output + String(chunk)).slice(-20_000);
        if (output.includes('"worker ready"')) resolve();
      });
      void worker.#exited.then(() => reject(new Error(`the worker ended before it was ready: ${output}`)));
    });
    return worker;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async end(name: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill(name);
    await this.#exited;
  }
}

/** Looks every 50 ms until it holds; the limit turns a hang into a failure that says what was waited for. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, seconds = 30): Promise<void> {
  const limit = Date.now() + seconds * 1_000;
  while (!(await holds())) {
    if (Date.now() > limit) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What `npm run up` knows of the environment that it made; undefined on one of the user's own. */
async function localState(): Promise<LocalState | undefined> {
  const file = process.env['HOLDFAST_STATE_FILE'] ?? join(homedir(), '.local', 'state', 'holdfast', 'state.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as LocalState);
}

interface LocalState {
  readonly images: { readonly busybox: string; readonly python: string };
  readonly temporal: { readonly ui?: string };
}

/** The image names of the environment that is up; on a cluster of the user's own, public ones. */
export async function images(): Promise<LocalState['images']> {
  return (await localState())?.images ?? { busybox: 'busybox:1.36', python: readConfig().pythonImage };
}

export async function webUi(): Promise<string | undefined> {
  return (await localState())?.temporal.ui;
}

/** A small command; `forever` ends within a second of SIGTERM. */
export function command(image: string, script: string, more: Partial<CommandTask> = {}): Task {
  return {
    workload: 'command',
    image,
    command: ['sh', '-c', script],
    resources: { cpu: '50m', memory: '32Mi', tmp: '1Mi' },
    gracePeriod: '1s',
    ...more,
  };
}

export const FOREVER = 'trap "exit 143" TERM; echo began; sleep 600 & wait';
