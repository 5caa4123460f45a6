/** What can be done with tasks, whatever the way to them: over Temporal, or over HTTP. Pure types. */
import type {
  CancelAnswer,
  CancelRequest,
  JobRef,
  Outcome,
  Phase,
  PodView,
  Problem,
  Progress,
  Task,
  TaskResult,
} from '../contract.ts';
import type { KillOptions, KillReport } from '../kill/contract.ts';
import type { ContainerLine } from '../logs/container-lines.ts';
import type { TaskView } from '../task-view.ts';

/** How a task ended, as told by Temporal's record. */
export type TaskOutcome =
  | { readonly outcome: 'succeeded'; readonly result: TaskResult }
  | { readonly outcome: 'failed'; readonly problem: Problem }
  | { readonly outcome: 'cancelled'; readonly reason: string; readonly started: boolean }
  | { readonly outcome: 'terminated' | 'timed_out' };

/**
 * What happens to a task. `phase` comes once for each phase, in order. `progress` and `diagnosis` are the latest of their
 * kind; a `diagnosis` without a problem says that nothing keeps the task any more. `outcome` is the last.
 */
export type TaskEvent =
  | {
      readonly event: 'phase';
      readonly phase: Phase;
      readonly started: boolean;
      readonly outcome?: Outcome;
      readonly cancel?: CancelRequest;
      readonly job?: JobRef;
    }
  | { readonly event: 'progress'; readonly progress?: Progress; readonly pod?: PodView }
  | { readonly event: 'diagnosis'; readonly problem?: Problem }
  | ({ readonly event: 'outcome' } & TaskOutcome);

export interface Abortable {
  /** Ends the call, which then throws the signal's reason. What had been asked for by then goes on. */
  readonly signal?: AbortSignal | undefined;
}

export interface StartOptions extends Abortable {
  /** Default: a new one. */
  readonly id?: string;
  /**
   * Who is served first when there is not room for all, 1 (first) to 5. Default 3. Temporal's own priority: its task queues
   * follow it, and so do limits, if there are any.
   */
  readonly priority?: number;
}

export interface StartedTask {
  readonly taskId: string;
  readonly runId: string;
  /** False if the task was there already, with exactly the same input. */
  readonly isNew: boolean;
}

export interface CancelOptions extends Abortable {
  /** Why; it is in the history, the memo and the task's state. At most 1,000 characters. */
  readonly reason?: string;
  /** Wait until the outcome is settled. Default true; false answers `cancelling` at once. */
  readonly wait?: boolean;
}

export interface ListOptions extends Abortable {
  /** How many at most. Default 100. */
  readonly limit?: number;
}

export interface LogOptions extends Abortable {
  /** Wait for more until the task has ended. Default false. */
  readonly follow?: boolean;
}

/** Every method may throw a HoldfastError of errors.ts; named here are those that say something of the task. */
export interface TaskClient {
  /**
   * Starts a task, or finds it if exactly this was started under this id before.
   * @throws HoldfastError INPUT_INVALID, INPUT_TOO_LARGE (nothing was created), TASK_ID_TAKEN.
   */
  start(input: Task, options?: StartOptions): Promise<StartedTask>;

  /** @throws HoldfastError TASK_UNKNOWN, of other people's workflows, too: they are no tasks. */
  describe(taskId: string, options?: Abortable): Promise<TaskView>;

  /** Waits for the task's end. @throws HoldfastError TASK_UNKNOWN */
  result(taskId: string, options?: Abortable): Promise<TaskOutcome>;

  /** From the task's beginning, until it has ended. @throws HoldfastError TASK_UNKNOWN */
  events(taskId: string, options?: Abortable): AsyncGenerator<TaskEvent, void>;

  /**
   * Asks for the task's end and, unless told not to wait, answers when it is settled. "cancelled" is said only when no
   * container of the task runs and none ever will. Repeats get the same answer.
   */
  cancel(taskId: string, options?: CancelOptions): Promise<CancelAnswer>;

  /**
   * Ends a task without its worker, for when a cancel cannot proceed: terminates it in Temporal and removes what it has in
   * Kubernetes, with no regard for its grace period. Says what is proved and what is not; safe to repeat.
   * @throws HoldfastError TASK_UNKNOWN, KILL_OVERTAKEN, CONFIG_INVALID, KUBERNETES_FORBIDDEN, KUBERNETES_UNREACHABLE (nothing
   * was ended), KILL_UNFINISHED
   */
  kill(taskId: string, options?: KillOptions): Promise<KillReport>;

  /** Newest first. */
  list(options?: ListOptions): AsyncGenerator<TaskView, void>;

  /**
   * Lines of the task's latest run, from the log store; of a task that never started, what Kubernetes said.
   * @throws HoldfastError TASK_UNKNOWN, LOGS_UNAVAILABLE
   */
  logs(taskId: string, options?: LogOptions): AsyncGenerator<ContainerLine, void>;

  close(): Promise<void>;
}
