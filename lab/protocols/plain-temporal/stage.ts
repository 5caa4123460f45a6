/**
 * Temporal as its samples use it: a create activity, a wait, and a shielded delete in the catch; the cancellation type
 * is left at its default, so the workflow goes on at once while a create is still on its way. At its best: the Job's
 * name is known (the Workflow Id), the delete is always sent, and it waits until Job and Pods are gone.
 *
 * Assumes that no cancel comes while a create is on its way, and that nobody uses Terminate. Price: a Temporal server.
 * Broken by a create that lands after the delete has got its 404, and by every ending that skips workflow code.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { readConfig } from '../../../src/config.ts';
import type { Answer, Protocol, Stage, Surroundings } from '../protocol.ts';
import { RoleProcess } from '../role-process.ts';
import { READY, type WorkerSettings } from './worker.ts';

const ENTRY = fileURLToPath(new URL('./worker.ts', import.meta.url));

class TemporalStage implements Stage {
  readonly #client: Client;
  readonly #settings: WorkerSettings;
  readonly #log: string;
  #worker: RoleProcess | undefined;

  private constructor(client: Client, settings: WorkerSettings, log: string) {
    this.#client = client;
    this.#settings = settings;
    this.#log = log;
  }

  static async open(given: Surroundings): Promise<TemporalStage> {
    const { temporal } = readConfig();
    const { address = 'localhost:7233' } = temporal.connectionOptions;
    const settings: WorkerSettings = {
      kubeconfig: given.kubeconfig,
      kubernetesNamespace: given.namespace,
      image: given.image,
      address,
      namespace: temporal.namespace,
      taskQueue: given.namespace,
    };
    const connection = await Connection.connect(temporal.connectionOptions);
    const client = new Client({ connection, namespace: temporal.namespace });
    const stage = new TemporalStage(client, settings, join(given.folder, 'worker.log'));
    await stage.restart();
    return stage;
  }

  async submit(id: string): Promise<void> {
    const { taskQueue } = this.#settings;
    await this.#client.workflow.start('runJob', { args: [id], workflowId: id, taskQueue });
  }

  async cancel(id: string): Promise<Answer> {
    const handle = this.#client.workflow.getHandle(id);
    await handle.cancel();
    return handle.result().then<Answer, Answer>(
      () => 'already_completed',
      (error: unknown) => {
        const cancelled = error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure;
        return cancelled ? 'cancelled' : 'already_failed';
      },
    );
  }

  async force(id: string): Promise<void> {
    await this.#client.workflow.getHandle(id).terminate('forced');
  }

  async ended(id: string): Promise<string | undefined> {
    const { status } = await this.#client.workflow.getHandle(id).describe();
    return status.name === 'RUNNING' ? undefined : status.name.toLowerCase();
  }

  async kill(): Promise<void> {
    await this.#worker?.end('SIGKILL');
  }

  async restart(): Promise<void> {
    const args = [ENTRY, JSON.stringify(this.#settings)];
    this.#worker = await RoleProcess.start({ args, ready: READY, log: this.#log });
  }

  async close(): Promise<void> {
    await this.#worker?.end('SIGTERM');
    await this.#client.connection.close();
  }
}

export const plainTemporal: Protocol = {
  name: 'plain-temporal',
  title: 'Temporal as samples use it',
  assumes: 'no cancel comes while a create is on its way; nobody uses Terminate',
  price: 'a Temporal server',
  needsRedis: false,
  open: (given) => TemporalStage.open(given),
};
