/**
 * Holdfast, as a user runs it: its worker process with its own defaults, its own client.
 *
 * Assumes that Temporal keeps its history, and that the kubelet starts no container whose ConfigMap is gone. Price: a
 * Temporal server; two more requests per task (anchor, start); a cancel is answered only when the Pods are gone.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WORKER_ARGS, WORKER_ENVIRONMENT } from '../../dev/worker-command.ts';
import { HoldfastClient } from '../../src/client.ts';
import { readConfig } from '../../src/config.ts';
import type { Task } from '../../src/contract.ts';
import { createLogger } from '../../src/telemetry.ts';
import { bundleWorkflows } from '../../src/worker.ts';
import { GRACE_SECONDS, LIMITS, PAYLOAD } from './jobs.ts';
import type { Answer, Protocol, Stage, Surroundings } from './protocol.ts';
import { RoleProcess } from './role-process.ts';

class HoldfastStage implements Stage {
  readonly #client: HoldfastClient;
  readonly #env: NodeJS.ProcessEnv;
  readonly #task: Task;
  readonly #log: string;
  #worker: RoleProcess | undefined;

  private constructor(client: HoldfastClient, env: NodeJS.ProcessEnv, task: Task, log: string) {
    this.#client = client;
    this.#env = env;
    this.#task = task;
    this.#log = log;
  }

  static async open(given: Surroundings): Promise<HoldfastStage> {
    const env = await environment(given);
    const client = await HoldfastClient.connect(readConfig(env));
    const task: Task = {
      workload: 'command',
      image: given.image,
      command: ['sh', '-c', PAYLOAD],
      resources: { ...LIMITS, tmp: '1Mi' },
      gracePeriod: `${GRACE_SECONDS}s`,
    };
    const stage = new HoldfastStage(client, env, task, join(given.folder, 'worker.log'));
    await stage.restart();
    return stage;
  }

  async submit(id: string): Promise<void> {
    await this.#client.start(this.#task, { id });
  }

  cancel(id: string): Promise<Answer> {
    return this.#client.cancel(id);
  }

  async force(id: string): Promise<void> {
    await this.#client.temporal.workflow.getHandle(id).terminate('forced');
  }

  async ended(id: string): Promise<string | undefined> {
    return (await this.#client.describe(id)).outcome;
  }

  async kill(): Promise<void> {
    await this.#worker?.end('SIGKILL');
  }

  async restart(): Promise<void> {
    const program = {
      args: WORKER_ARGS,
      env: { ...WORKER_ENVIRONMENT, ...this.#env },
      ready: '"worker ready"',
      log: this.#log,
    };
    this.#worker = await RoleProcess.start(program);
  }

  async close(): Promise<void> {
    await this.#worker?.end('SIGTERM');
    await this.#client.close();
  }
}

/** Everything that has a default keeps it; the bundle is made before, as `npm run build` does. */
async function environment({ kubeconfig, namespace, folder }: Surroundings): Promise<NodeJS.ProcessEnv> {
  const { temporal } = readConfig();
  const bundle = join(folder, 'workflow-bundle.js');
  await writeFile(bundle, (await bundleWorkflows(createLogger('error'))).code);
  const logs = join(folder, 'logs');
  await mkdir(logs, { recursive: true });
  return {
    ...process.env,
    TEMPORAL_ADDRESS: temporal.connectionOptions.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    KUBECONFIG: kubeconfig,
    HOLDFAST_KUBE_CONTEXT: 'lab',
    HOLDFAST_KUBE_NAMESPACE: namespace,
    HOLDFAST_TASK_QUEUE: namespace,
    HOLDFAST_LOG_DIR: logs,
    HOLDFAST_WORKFLOW_BUNDLE: bundle,
  };
}

export const holdfast: Protocol = {
  name: 'holdfast',
  title: 'Holdfast',
  assumes: 'Temporal keeps its history; the kubelet starts no container whose ConfigMap is gone',
  price: 'a Temporal server; two more requests per task; a cancel is answered when the Pods are gone',
  needsRedis: false,
  open: (given) => HoldfastStage.open(given),
};
