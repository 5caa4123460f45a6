/**
 * What Temporal takes: the same Job, run by a workflow of two activities, in a worker process of its own that is begun as
 * Holdfast's is, in the same Kubernetes namespace. It proves nothing and fences nothing: a cost to compare with.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { WORKER_ENVIRONMENT, WORKER_FLAGS } from '../../../dev/worker-command.ts';
import type { CommandTask } from '../../../src/contract.ts';
import { RoleProcess } from '../../protocols/role-process.ts';
import { Ground, type Tools } from '../ground.ts';
import { READY, type WorkerSettings } from './worker.ts';

const ENTRY = fileURLToPath(new URL('./worker.ts', import.meta.url));

interface Parts {
  readonly client: Client;
  readonly taskQueue: string;
  readonly worker: RoleProcess;
  /** Of its worker's. */
  readonly log: string;
}

export class SmallestWorkflow {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async begin({ stage }: Ground, folder: string): Promise<SmallestWorkflow> {
    const { namespace: kubernetesNamespace } = stage;
    const taskQueue = `${kubernetesNamespace}-smallest`;
    const log = join(folder, 'worker.log');
    const settings: WorkerSettings = { kubernetesNamespace, taskQueue };
    const args = [...WORKER_FLAGS, ENTRY, JSON.stringify(settings)];
    const env = { ...process.env, ...WORKER_ENVIRONMENT };
    const worker = await RoleProcess.start({ args, env, ready: READY, log });
    return new SmallestWorkflow({ client: stage.client.temporal, taskQueue, worker, log });
  }

  close(): Promise<void> {
    return this.#parts.worker.end('SIGTERM');
  }

  /** Gives the name of its Job. */
  async start(name: string, task: CommandTask): Promise<string> {
    const { client, taskQueue } = this.#parts;
    const job = `${name}-${taskQueue}`;
    const options = { workflowId: job, taskQueue, workflowExecutionTimeout: '30m' } as const;
    await client.workflow.start('runJob', { ...options, args: [job, task] });
    return job;
  }

  async cancel(job: string): Promise<void> {
    await this.#parts.client.workflow.getHandle(job).cancel();
  }

  /** Resolves when it has, and rejects if it has ended in another way. */
  async ended(job: string, how: 'succeeded' | 'cancelled'): Promise<void> {
    const { client, log } = this.#parts;
    try {
      await client.workflow.getHandle(job).result();
      if (how === 'succeeded') return;
    } catch (error) {
      if (how === 'cancelled' && error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure)
        return;
      const told = readFileSync(log, 'utf8').slice(-2_000);
      throw new Error(`workflow ${job} was to be ${how}: ${String(error)}\n${told}`, { cause: error });
    }
    throw new Error(`workflow ${job} was to be ${how}, and succeeded`);
  }
}

/** The ground of a row, with it beside. */
export async function withSmallest<T>(
  tools: Tools,
  use: (ground: Ground, smallest: SmallestWorkflow) => Promise<T>,
): Promise<T> {
  const ground = await Ground.open(tools);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-smallest-'));
  try {
    const smallest = await SmallestWorkflow.begin(ground, folder);
    try {
      return await use(ground, smallest);
    } finally {
      await smallest.close();
    }
  } finally {
    await ground.close();
    await rm(folder, { recursive: true, force: true });
  }
}
