/**
 * Start, see, cancel, and read tasks. Used by the CLI, the laboratory and the examples; the package's export. It does
 * nothing that Temporal's own client could not: start `runTask`, `handle.cancel()`, `handle.result()` mean the same.
 */
import { randomUUID } from 'node:crypto';
import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import { answerOf } from './cancel-answer.ts';
import type { Config } from './config.ts';
import {
  type CancelAnswer,
  type KillCandidate,
  type KillFilter,
  type KillReport,
  type Problem,
  type Task,
  type TaskResult,
  WORKFLOW_TYPE,
} from './contract.ts';
import { HoldfastError } from './errors.ts';
import { digest, taskLabel } from './fence.ts';
import type { KillGround } from './kill/ground.ts';
import type { KillOptions } from './kill/kill.ts';
import { type ContainerLine, linesSince } from './logs/container-lines.ts';
import { LogStore, type StoredRun } from './logs/store.ts';
import { checkTask, checkTaskId } from './schemas.ts';
import { summaryOf, type TaskView, viewOf } from './task-view.ts';
import { isNotFound } from './temporal-problem.ts';
import { namespaceId } from './temporal-namespace.ts';
import { workloads } from './workloads/index.ts';
import type { Workload } from './workloads/workload.ts';

export { type Config, readConfig } from './config.ts';
export type * from './contract.ts';
export { ERRORS, type ErrorCode, EXIT, HoldfastError } from './errors.ts';
export type { KillOptions } from './kill/kill.ts';
export type { ContainerLine } from './logs/container-lines.ts';
export type { TaskView } from './task-view.ts';

/** How a task ended, as told by Temporal's record. */
export type TaskOutcome =
  | { readonly outcome: 'succeeded'; readonly result: TaskResult }
  | { readonly outcome: 'failed'; readonly problem: Problem }
  | { readonly outcome: 'cancelled'; readonly reason: string; readonly started: boolean }
  | { readonly outcome: 'terminated' | 'timed_out' };

export interface StartOptions {
  /** Default: a new one. */
  readonly id?: string;
  /** Whose task it is, as the gateway keeps tenants apart. It stands in the memo from the start on. */
  readonly tenant?: string;
}

export interface CancelOptions {
  /** Why; it is in the history, the memo and the task's state. At most 1,000 characters. */
  readonly reason?: string;
  /** Who asks: the identity of the request in Temporal's history. Default: this client's. */
  readonly by?: string;
  /** Wait until the outcome is settled. Default true; false answers `cancelling` at once. */
  readonly wait?: boolean;
}

export interface StartedTask {
  readonly taskId: string;
  readonly runId: string;
  /** False if the task was there already, with exactly the same input. */
  readonly isNew: boolean;
}

export interface HoldfastClientOptions {
  readonly taskQueue: string;
  /** Folder of the log store; `logs` reads it. */
  readonly logDir: string;
  /** Only `kill` and `killable` need it. */
  readonly kubernetes?: Config['kubernetes'];
}

export class HoldfastClient {
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

  async close(): Promise<void> {
    await this.temporal.connection.close();
  }

  /**
   * Starts a task, or finds it if exactly this was started under this id before.
   * @throws HoldfastError INPUT_INVALID, INPUT_TOO_LARGE (nothing was created), TASK_ID_TAKEN.
   */
  async start(input: Task, { id, tenant }: StartOptions = {}): Promise<StartedTask> {
    const task = checkTask(input);
    const taskId = checkTaskId(id ?? `${task.workload}-${randomUUID()}`);
    const inputDigest = digest(task);
    const workload: Workload = workloads[task.workload];
    const summary = workload.summary(task);
    const requestId = randomUUID();
    try {
      const handle = await this.temporal.workflow.start(WORKFLOW_TYPE, {
        args: [task],
        workflowId: taskId,
        taskQueue: this.#options.taskQueue,
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        memo: { inputDigest, requestId, workload: task.workload, ...(tenant !== undefined && { tenant }) },
        staticSummary: summary,
        staticDetails: `Task \`${taskId}\`, workload **${task.workload}**. Cancel is safe at any moment: it answers when nothing of the task is left.`,
      });
      const { memo, runId } = await handle.describe();
      this.#checkSame(taskId, { inputDigest, tenant }, memo);
      return { taskId, runId, isNew: memo?.['requestId'] === requestId };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const { memo, runId } = await this.#describe(taskId);
      this.#checkSame(taskId, { inputDigest, tenant }, memo);
      return { taskId, runId, isNew: false };
    }
  }

  /** @throws HoldfastError TASK_UNKNOWN, of other people's workflows, too: they are no tasks. */
  async describe(taskId: string): Promise<TaskView> {
    return (await this.#see(taskId)).view;
  }

  /** Waits for the task's end. @throws HoldfastError TASK_UNKNOWN */
  async result(taskId: string): Promise<TaskOutcome> {
    try {
      const result: TaskResult = await this.temporal.workflow.getHandle(taskId).result();
      return { outcome: 'succeeded', result };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw unknownTask(taskId, error);
      if (!(error instanceof WorkflowFailedError)) throw error;
      return this.#unsuccessful(taskId, error.cause);
    }
  }

  /**
   * Asks for the task's end and, unless told not to wait, answers when it is settled. "cancelled" is said only when no
   * container of the task runs and none ever will. Repeats get the same answer.
   */
  async cancel(taskId: string, { reason = '', by, wait = true }: CancelOptions = {}): Promise<CancelAnswer> {
    const before = await this.#see(taskId).catch((error: unknown) => {
      if (error instanceof HoldfastError && error.code === 'TASK_UNKNOWN') return undefined;
      throw error;
    });
    if (before === undefined) return 'unknown_task';
    if (!before.view.open) return answerOf(before.view, 'before');
    await this.#requestCancel(taskId, before.firstRunId, reason, by);
    if (!wait) return 'cancelling';
    await this.result(taskId);
    return answerOf(await this.describe(taskId), 'now');
  }

  /**
   * Ends a task without its worker, for when a cancel cannot proceed: terminates it in Temporal and removes what it has in
   * Kubernetes, with no regard for its grace period. Says what is proved and what is not; safe to repeat.
   * @throws HoldfastError TASK_UNKNOWN, KILL_OVERTAKEN, CONFIG_INVALID, KUBERNETES_FORBIDDEN, KUBERNETES_UNREACHABLE
   */
  async kill(taskId: string, options: KillOptions = {}): Promise<KillReport> {
    const { kill } = await import('./kill/kill.ts');
    return kill(await this.#ground(), taskId, options);
  }

  /** The tasks of which something is in Kubernetes and that a kill of many would end. Changes nothing. */
  async killable(filter: KillFilter): Promise<readonly KillCandidate[]> {
    const { killable } = await import('./kill/candidates.ts');
    return killable(await this.#ground(), filter);
  }

  /** Newest first; `limit` defaults to 100. */
  async *list({ limit = 100 }: { readonly limit?: number } = {}): AsyncGenerator<TaskView> {
    let left = limit;
    if (left <= 0) return;
    for await (const info of this.temporal.workflow.list({ query: `WorkflowType = '${WORKFLOW_TYPE}'` })) {
      yield summaryOf(info);
      left -= 1;
      if (left <= 0) return;
    }
  }

  /**
   * Lines of the task's latest run, from this machine's log store; of a task that never started, what Kubernetes said.
   * With `follow`, until the task has ended.
   * @throws HoldfastError TASK_UNKNOWN, LOGS_UNAVAILABLE
   */
  async *logs(taskId: string, { follow = false }: { readonly follow?: boolean } = {}): AsyncGenerator<ContainerLine> {
    const store = new LogStore(this.#options.logDir);
    const offsets = new Map<string, number>();
    let any = false;
    for (;;) {
      const view = await this.describe(taskId);
      const over = !view.open || !follow;
      for await (const line of linesSince(store, await this.#latestRun(store, taskId), offsets, over)) {
        any = true;
        yield line;
      }
      if (over) break;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    // A container that wrote nothing has an empty file: that is known, not unavailable.
    const run = any ? undefined : await this.#latestRun(store, taskId);
    if (any || (run !== undefined && (await store.filesOf(run)).length > 0)) return;
    throw new HoldfastError('LOGS_UNAVAILABLE', `No output of task ${taskId} is in ${this.#options.logDir}.`);
  }

  async #latestRun(store: LogStore, taskId: string): Promise<StoredRun | undefined> {
    this.#namespaceId ??= namespaceId(this.temporal);
    const runs = await store.runsOf(taskLabel(await this.#namespaceId, taskId));
    return runs.at(-1);
  }

  /** Whoever does not kill needs no Kubernetes, nor its client in memory. */
  async #ground(): Promise<KillGround> {
    const { groundOf } = await import('./kill/ground.ts');
    this.#namespaceId ??= namespaceId(this.temporal);
    return groundOf(this.temporal, await this.#namespaceId, this.#options.kubernetes);
  }

  #checkSame(
    taskId: string,
    wanted: { readonly inputDigest: string; readonly tenant: string | undefined },
    memo: Readonly<Record<string, unknown>> | undefined,
  ): void {
    if (memo?.['inputDigest'] === wanted.inputDigest && memo['tenant'] === wanted.tenant) return;
    throw new HoldfastError('TASK_ID_TAKEN', `A task ${taskId} exists already, with another input.`, { taskId });
  }

  async #see(taskId: string): Promise<{ readonly view: TaskView; readonly firstRunId: string }> {
    const description = await this.#describe(taskId);
    if (description.type !== WORKFLOW_TYPE) throw unknownTask(taskId, new TypeError(`it is a ${description.type}`));
    const firstRunId = description.raw.workflowExecutionInfo?.firstRunId || description.runId;
    return { view: await viewOf(this.temporal, description), firstRunId };
  }

  async #describe(taskId: string) {
    return this.temporal.workflow
      .getHandle(taskId)
      .describe()
      .catch((error: unknown) => {
        throw error instanceof WorkflowNotFoundError ? unknownTask(taskId, error) : error;
      });
  }

  /**
   * The SDK's own cancel() has no place for a reason (temporalio/sdk-typescript#1626); the request has. The first run's
   * id guards against cancelling a later task that was given the same id.
   */
  async #requestCancel(taskId: string, firstExecutionRunId: string, reason: string, by?: string): Promise<void> {
    const request = {
      namespace: this.temporal.options.namespace,
      workflowExecution: { workflowId: taskId },
      identity: by ?? this.temporal.options.identity,
      requestId: randomUUID(),
      firstExecutionRunId,
      reason: reason.slice(0, 1_000),
    };
    await this.temporal.workflowService.requestCancelWorkflowExecution(request).catch((error: unknown) => {
      // It ended in this very moment; some servers say so in this way. How it ended is read by whoever answers.
      if (!isNotFound(error)) throw error;
    });
  }

  async #unsuccessful(taskId: string, cause: Error | undefined): Promise<TaskOutcome> {
    if (cause instanceof CancelledFailure) {
      const { cancel, started } = await this.describe(taskId);
      return { outcome: 'cancelled', reason: cancel?.reason ?? '', started };
    }
    if (cause instanceof TerminatedFailure) return { outcome: 'terminated' };
    if (cause instanceof TimeoutFailure) return { outcome: 'timed_out' };
    const told = cause instanceof ApplicationFailure ? (cause.details?.[0] as Problem | undefined) : undefined;
    return {
      outcome: 'failed',
      problem: told ?? { code: 'WORKER_FAULT', message: cause?.message ?? 'no reason given' },
    };
  }
}

function unknownTask(taskId: string, cause: unknown): HoldfastError {
  return new HoldfastError('TASK_UNKNOWN', `There is no task ${taskId}.`, { taskId }, { cause });
}
