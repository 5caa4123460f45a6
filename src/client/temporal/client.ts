/**
 * Tasks over Temporal itself. It does nothing that Temporal's own client could not: start `runTask`, `handle.cancel()`,
 * `handle.result()` mean the same.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { answerOf } from '../../cancel-answer.ts';
import type { Config } from '../../config.ts';
import { type CancelAnswer, type Task, WORKFLOW_TYPE } from '../../contract.ts';
import { HoldfastError } from '../../errors.ts';
import type { KillCandidate, KillFilter, DirectKillOptions, KillReport } from '../../kill/contract.ts';
import type { KillGround } from '../../kill/ground.ts';
import type { ContainerLine } from '../../logs/container-lines.ts';
import { summaryOf, type TaskView, viewOf } from '../../task-view.ts';
import { namespaceId } from '../../temporal-namespace.ts';
import { type Cursor, newsOf } from '../news.ts';
import type {
  Abortable,
  CancelOptions,
  ListOptions,
  LogOptions,
  StartedTask,
  StartOptions,
  TaskClient,
  TaskEvent,
  TaskOutcome,
} from '../task-client.ts';
import { unlessUnknown } from '../unless-unknown.ts';
import { abortable, leftOf } from './abortable.ts';
import { describeTask } from './describe.ts';
import { afterEnd, outcomeOf, requestCancel } from './end.ts';
import { logLines } from './logs.ts';
import { type Look, LOOK_MS, lookAt } from './look.ts';
import { startTask } from './start.ts';

/** Longer than the SDK tries a request again. Milliseconds. */
const CLOSE_MS = 60_000;

export interface HoldfastClientOptions {
  readonly taskQueue: string;
  /** Folder of the log store; `logs` reads it. */
  readonly logDir: string;
  /** Only `kill` and `killable` need it. */
  readonly kubernetes?: Config['kubernetes'];
}

export class HoldfastClient implements TaskClient {
  /** Temporal's own client, for everything else. */
  readonly temporal: Client;
  readonly #options: HoldfastClientOptions;
  #namespaceId: Promise<string> | undefined;

  constructor(temporal: Client, options: HoldfastClientOptions) {
    this.temporal = temporal;
    this.#options = options;
  }

  /** @throws HoldfastError TEMPORAL_UNREACHABLE */
  static async connect(config: Config): Promise<HoldfastClient> {
    const { connectionOptions, namespace } = config.temporal;
    const connection = await Connection.connect(connectionOptions).catch((cause: unknown) => {
      const address = connectionOptions.address ?? 'localhost:7233';
      throw new HoldfastError(
        'TEMPORAL_UNREACHABLE',
        `Temporal does not answer at ${address}.`,
        { address },
        { cause },
      );
    });
    return new HoldfastClient(new Client({ connection, namespace }), config);
  }

  /** Where a call was ended by its signal while Temporal was away, it waits for that call, some seconds long. */
  async close(): Promise<void> {
    await Promise.race([Promise.allSettled(leftOf(this.temporal)), sleep(CLOSE_MS, undefined, { ref: false })]);
    await this.temporal.connection.close();
  }

  /** UUID of the Temporal namespace. It is asked for once, and again if that failed. */
  namespaceId(): Promise<string> {
    this.#namespaceId ??= namespaceId(this.temporal).catch((error: unknown) => {
      this.#namespaceId = undefined;
      throw error;
    });
    return this.#namespaceId;
  }

  /** With a `tenant`, the task is theirs, as the gateway keeps tenants apart: it stands in the memo from the start on. */
  start(input: Task, { signal, ...named }: StartOptions & { readonly tenant?: string } = {}): Promise<StartedTask> {
    return abortable(this.temporal, signal, () => startTask(this.temporal, this.#options.taskQueue, input, named));
  }

  describe(taskId: string, { signal }: Abortable = {}): Promise<TaskView> {
    return abortable(this.temporal, signal, async () =>
      viewOf(this.temporal, await describeTask(this.temporal, taskId)),
    );
  }

  result(taskId: string, { signal }: Abortable = {}): Promise<TaskOutcome> {
    return abortable(this.temporal, signal, () => outcomeOf(this.temporal, taskId));
  }

  async *events(taskId: string, { signal }: Abortable = {}): AsyncGenerator<TaskEvent, void> {
    let last: Look | undefined;
    let cursor: Cursor | undefined;
    for (const look = () => lookAt(this.temporal, taskId, last); ; await sleep(LOOK_MS)) {
      last = await abortable(this.temporal, signal, look);
      const news = newsOf(last, cursor);
      cursor = news.cursor;
      for (const { event } of news.told) yield event;
      if (!last.view.open) return;
    }
  }

  /** `by` says who asks: the identity of the request in Temporal's history. Default: this client's. */
  cancel(
    taskId: string,
    { reason = '', by, wait = true, signal }: CancelOptions & { readonly by?: string } = {},
  ): Promise<CancelAnswer> {
    return abortable(this.temporal, signal, async () => {
      const description = await unlessUnknown(describeTask(this.temporal, taskId));
      if (description === undefined) return 'unknown_task';
      const before = summaryOf(description);
      if (!before.open) return answerOf(before, 'before');
      for (let run = description; ;) {
        await requestCancel(this.temporal, run, { reason, by });
        if (!wait) return 'cancelling';
        run = await afterEnd(this.temporal, run);
        const after = summaryOf(run);
        if (!after.open) return answerOf(after, 'now');
        // A Reset began this run, which has heard of no cancel.
      }
    });
  }

  async kill(taskId: string, options: DirectKillOptions = {}): Promise<KillReport> {
    options.signal?.throwIfAborted();
    const { kill } = await import('../../kill/kill.ts');
    return kill(await this.#ground(), taskId, options);
  }

  /** The tasks of which something is in Kubernetes and that a kill of many would end. Changes nothing. */
  async killable(filter: KillFilter): Promise<readonly KillCandidate[]> {
    const { killable } = await import('../../kill/candidates.ts');
    return killable(await this.#ground(), filter);
  }

  async *list({ limit = 100, signal }: ListOptions = {}): AsyncGenerator<TaskView, void> {
    const found = this.temporal.workflow.list({ query: `WorkflowType = '${WORKFLOW_TYPE}'` })[Symbol.asyncIterator]();
    for (let left = limit; left > 0; left -= 1) {
      const next = await abortable(this.temporal, signal, () => found.next());
      if (next.done) return;
      yield summaryOf(next.value);
    }
  }

  /** Reads the log store of this machine. */
  logs(taskId: string, options: LogOptions = {}): AsyncGenerator<ContainerLine, void> {
    return logLines(this, this.#options.logDir, taskId, options);
  }

  /** Whoever does not kill needs no Kubernetes, nor its client in memory. */
  async #ground(): Promise<KillGround> {
    const { groundOf } = await import('../../kill/ground.ts');
    return groundOf(this.temporal, await this.namespaceId(), this.#options.kubernetes);
  }
}
