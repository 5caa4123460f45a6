/**
 * What Temporal itself takes: the same Job, run by the smallest workflow there is for it, in a worker process of its own,
 * in the same Kubernetes namespace. It proves nothing and fences nothing (docs/evidence.md): a cost to compare with.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import type { CommandTask } from '../../../src/contract.ts';
import { RoleProcess } from '../../protocols/role-process.ts';
import { Ground, type Tools } from '../ground.ts';
import { READY, type WorkerSettings } from './worker.ts';

const ENTRY = fileURLToPath(new URL('./worker.ts', import.meta.url));

export class PlainTemporal {
  readonly #client: Client;
  readonly #taskQueue: string;
  readonly #worker: RoleProcess;
  readonly #folder: string;

  private constructor(parts: { client: Client; taskQueue: string; worker: RoleProcess; folder: string }) {
    this.#client = parts.client;
    this.#taskQueue = parts.taskQueue;
    this.#worker = parts.worker;
    this.#folder = parts.folder;
  }

  static async beside({ stage }: Ground): Promise<PlainTemporal> {
    const { namespace: kubernetesNamespace } = stage;
    const taskQueue = `${kubernetesNamespace}-plain`;
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-plain-'));
    const settings: WorkerSettings = { kubernetesNamespace, taskQueue };
    const args = [ENTRY, JSON.stringify(settings)];
    const worker = await RoleProcess.start({ args, ready: READY, log: join(folder, 'worker.log') });
    return new PlainTemporal({ client: stage.client.temporal, taskQueue, worker, folder });
  }

  async close(): Promise<void> {
    await this.#worker.end('SIGTERM');
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Gives the name of its Job. */
  async start(name: string, task: CommandTask): Promise<string> {
    const job = `${name}-${this.#taskQueue}`;
    await this.#client.workflow.start('runJob', { args: [job, task], workflowId: job, taskQueue: this.#taskQueue });
    return job;
  }

  async cancel(job: string): Promise<void> {
    await this.#client.workflow.getHandle(job).cancel();
  }

  /** Resolves when it has, and rejects if it has ended in another way. */
  async ended(job: string, how: 'succeeded' | 'cancelled'): Promise<void> {
    const said = await this.#client.workflow
      .getHandle(job)
      .result()
      .then<string, string>(() => 'succeeded', inWords);
    if (said !== how) throw new Error(`the plain workflow ${job} ${said}`);
  }
}

/** A row's ground with it beside. */
export async function withPlain<T>(
  tools: Tools,
  use: (ground: Ground, plain: PlainTemporal) => Promise<T>,
): Promise<T> {
  const ground = await Ground.open(tools);
  try {
    const plain = await PlainTemporal.beside(ground);
    try {
      return await use(ground, plain);
    } finally {
      await plain.close();
    }
  } finally {
    await ground.close();
  }
}

function inWords(error: unknown): string {
  const isCancelled = error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure;
  return isCancelled ? 'cancelled' : `failed: ${String(error)}`;
}
