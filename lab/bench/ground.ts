/** The ground that one row is measured on: a namespace, a worker, eyes that see both sides, and raw Jobs. */
import { JobsApi } from '../../src/kubernetes/jobs-api.ts';
import type { CommandTask } from '../../src/contract.ts';
import { readConfig } from '../../src/config.ts';
import { runName } from '../../src/fence.ts';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';
import { Stage } from '../stage/stage.ts';
import { Eyes } from './eyes.ts';
import { RawJobs } from './raw-jobs.ts';

/** What all rows share. */
export interface Tools {
  readonly workflowBundle: string;
  readonly image: string;
  readonly nodes: 'real' | 'simulated';
}

export interface GroundOptions {
  /** Variables for the worker, over the usual ones. */
  readonly env?: NodeJS.ProcessEnv;
  /** With the fault proxy before the API server, which counts; else the worker speaks to it directly, as the floor does. */
  readonly throughProxy?: boolean;
}

/** A task of Holdfast's, and the Job that it will have. */
export interface Begun {
  readonly taskId: string;
  readonly job: string;
}

export class Ground {
  readonly stage: Stage;
  readonly eyes: Eyes;
  readonly raw: RawJobs;
  /** Past the worker: for logs. */
  readonly api: JobsApi;
  readonly #temporalId: string;

  private constructor(stage: Stage, eyes: Eyes, temporalId: string) {
    this.stage = stage;
    this.eyes = eyes;
    this.raw = new RawJobs(stage.kube, stage.namespace);
    this.api = new JobsApi(stage.kube, { namespace: stage.namespace });
    this.#temporalId = temporalId;
  }

  static async open(tools: Tools, { env, throughProxy = false }: GroundOptions = {}): Promise<Ground> {
    const { workflowBundle } = tools;
    const stage = await Stage.open({
      workflowBundle,
      env: { ...WORKER_DEFAULTS, ...(throughProxy ? {} : direct()), ...env },
    });
    await stage.startWorker();
    const eyes = await Eyes.open(loadKubeConfig(readConfig().kubernetes), stage.namespace);
    return new Ground(stage, eyes, await namespaceId(stage.client.temporal));
  }

  async close(): Promise<void> {
    this.eyes.close();
    await this.stage.close();
  }

  /** Task ids are one namespace for all of a Temporal: the stage's own name keeps them apart. */
  idOf(name: string): string {
    return `${name}-${this.stage.namespace.slice(-8)}`;
  }

  async start(name: string, task: CommandTask): Promise<Begun> {
    const { taskId, runId } = await this.stage.client.start(task, { id: this.idOf(name) });
    return { taskId, job: runName(this.#temporalId, { taskId, runId, attempt: 1 }) };
  }
}

/** What the stage sets otherwise for tests is as a worker has it. */
export const WORKER_DEFAULTS = {
  HOLDFAST_KUBE_DEADLINE_MS: '5000',
  HOLDFAST_SWEEP_SECONDS: '60',
  HOLDFAST_SWEEP_MIN_AGE_SECONDS: '30',
  HOLDFAST_SWEEP_MAX_PERCENT: '50',
  HOLDFAST_LOG_LEVEL: 'warn',
};

function direct(): NodeJS.ProcessEnv {
  const { kubernetes } = readConfig();
  return { KUBECONFIG: kubernetes.kubeconfig ?? '', HOLDFAST_KUBE_CONTEXT: kubernetes.context ?? '' };
}

/** Small, so that many fit on a node. */
export function taskOf(image: string, command: readonly string[], more: Partial<CommandTask> = {}): CommandTask {
  const resources = { cpu: '10m', memory: '16Mi', tmp: '1Mi' };
  return { workload: 'command', image, command, resources, ...more };
}

/** Of one container at a time: with less than it can use, what is measured is how slowly it is let begin. */
export const UNTHROTTLED: Partial<CommandTask> = { resources: { cpu: '1', memory: '64Mi', tmp: '1Mi' } };
