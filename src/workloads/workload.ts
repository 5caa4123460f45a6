/**
 * What a kind of task is: a pure function from the user's input to what the container needs, and from what the
 * container said to a result. A new workload is one file with these two functions and one line in index.ts.
 */
import type { Ending, Progress, SampleResult, Task } from '../contract.ts';

/** A file of the plan: stored in the anchor under `key`, seen by the container at `path`. */
export interface PlannedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Permission bits, default 0o444. */
  readonly mode?: number;
}

/** What a workload asks for. Resources, timeout and grace period come from the task's settings. */
export interface PodPlan {
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly PlannedFile[];
}

/** What the worker knows and a plan may use. */
export interface PlanContext {
  /** The default image with python3: HOLDFAST_PYTHON_IMAGE. */
  readonly pythonImage: string;
  /** Unguessable from inside a sample; marks the lines that the workload's own program wrote. */
  readonly nonce: string;
}

/** One line that a container wrote, without its line end. */
export type Line = string;

/** Reads one container's output from its first line to its last. One reader per Pod; it holds state. */
export interface OutputReader {
  /** Takes the next line; gives progress if the line tells any. Absent: the output is kept, and tells nothing. */
  line?(text: Line): Progress | undefined;
  /** After the last line of a container that exited with 0: the result, or why there is none. */
  end(): Ending;
  /** Rows for the log store's results.jsonl, complete after `end()`. */
  readonly rows?: readonly SampleResult[];
}

export interface Workload<T extends Task = Task> {
  readonly name: T['workload'];
  /** One line for the web UI, at most 200 bytes. */
  summary(task: T): string;
  plan(task: T, context: PlanContext): PodPlan;
  /** Needs only what the plan knew: it may run in another process than the plan did. */
  reader(context: PlanContext): OutputReader;
}
