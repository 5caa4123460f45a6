/**
 * What every room shares: the task a user starts, the states it goes through, the answers it gives.
 * Pure types and names; nothing here imports anything, so the workflow bundle, the client and the CLI all may.
 */

// --- What a user starts ----------------------------------------------------------------------------------------

/** A span of time as a person writes it: `90s`, `10m`, `2h`, `1d`, or a sum such as `1h30m`. */
export type Duration = string;

/** What one Pod may use. Requests and limits are the same, so a task gets what it was promised and no more. */
export interface Resources {
  /** Cores in Kubernetes' notation, `10m` to `256`. Default `1`. */
  readonly cpu?: string;
  /** Memory in Kubernetes' notation, `16Mi` to `16Ti`. Default `512Mi`. */
  readonly memory?: string;
  /** Extended resources by name, e.g. `{ "nvidia.com/gpu": 1 }`. Whole numbers. Default none. */
  readonly devices?: Readonly<Record<string, number>>;
  /** Size of the writable /tmp, the only place that a container may write to. `1Mi` to `1Ti`, default `64Mi`. */
  readonly tmp?: string;
}

/** Settings that every workload has. */
export interface TaskSettings {
  /** From the start of the Job to its forced end, waiting for a node included. `1s` to `7d`, default `1h`. */
  readonly timeout?: Duration;
  /** Between SIGTERM and SIGKILL when a container is ended. `0s` (as short as the node can) to `10m`, default `5s`. */
  readonly gracePeriod?: Duration;
  readonly resources?: Resources;
  /** Kubernetes RuntimeClass, e.g. `gvisor`. Default: the cluster's own. */
  readonly runtimeClass?: string;
  /** Labels a node must have. Default none. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** `none` labels the Pod for the deny-all NetworkPolicy in deploy/; `cluster` leaves it out. Default `none`. */
  readonly network?: 'none' | 'cluster';
  /**
   * How often the task may run anew because the platform took its Pod away: evicted, preempted, its node lost. Each time
   * it begins from the start, with its whole timeout, once nothing of the time before is left. `0` to `10`, default `0`.
   */
  readonly retries?: number;
}

/** One file in the container. All files of a task together: at most `LIMITS.inputBytes`. */
export interface InputFile {
  /** Absolute path in the container. */
  readonly path: string;
  /** The file's bytes in base64, or its text. Exactly one of the two. */
  readonly base64?: string;
  readonly text?: string;
  /** Permission bits, e.g. 0o555 for a script. Default 0o444; the files are read-only whatever the bits say. */
  readonly mode?: number;
}

/** Any command in any image. */
export interface CommandTask extends TaskSettings {
  readonly workload: 'command';
  readonly image: string;
  /** Replaces the image's entry point. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: readonly InputFile[];
}

/** Lines of JSON as text, or gzipped and in base64: a suite of problems is an eighth of the size that way. */
export type JsonLines = { readonly jsonl: string } | { readonly gzip: string };

/** HumanEval's own format: problems `{task_id, prompt, entry_point, test}`, samples `{task_id, completion}`. */
export interface EvaluationTask extends TaskSettings {
  readonly workload: 'evaluation';
  readonly problems: JsonLines;
  readonly samples: JsonLines;
  /** Seconds that one sample may run. 0.1 to 600, default 3. */
  readonly sampleTimeout?: number;
  /** Samples that run at the same time. 1 to 64, default: the number of cores in `resources.cpu`, at least 1. */
  readonly parallel?: number;
  /** An image with Python 3.9 or newer as `python3`. Default: the worker's HOLDFAST_PYTHON_IMAGE. */
  readonly image?: string;
}

export type Task = CommandTask | EvaluationTask;
export type WorkloadName = Task['workload'];

/** Sizes and counts that the door refuses beyond. */
export const LIMITS = {
  /** Files of a task in their stored form, all together: what one ConfigMap holds, less room for the plan. */
  inputBytes: 950_000,
  /** A task id is a Temporal Workflow Id; longer ones do not fit the annotations that carry it. */
  taskIdLength: 200,
  /** Of a cancel or a kill. Characters; the doors refuse more, and what comes past them is cut. */
  reasonLength: 1_000,
  /** Samples in one evaluation; more are split into several tasks, and pass@k is taken over their results. */
  samples: 20_000,
  /** What the log store keeps per container; what comes after is cut, and the log says so. */
  logBytes: 10 * 1024 * 1024,
} as const;

// --- How it ends -----------------------------------------------------------------------------------------------

export interface CommandOutput {
  readonly exitCode: 0;
}

/** `passed`: the tests held. `failed`: they did not, or the sample died. `timed_out`: it ran past sampleTimeout. */
export type SampleVerdict = 'passed' | 'failed' | 'timed_out';

export interface SampleResult {
  readonly task_id: string;
  /** Position among the samples of the input, from 0. */
  readonly index: number;
  readonly verdict: SampleVerdict;
  /** Seconds it ran. */
  readonly seconds: number;
  /** Why it did not pass, in one line, cut at 200 characters. */
  readonly reason?: string;
}

export interface EvaluationOutput {
  /** Problems that have samples. */
  readonly problems: number;
  readonly samples: number;
  readonly passed: number;
  readonly failed: number;
  readonly timedOut: number;
  /** `{"1": 0.5}`: the unbiased estimator over the problems, for each k of 1, 10, 100 that every problem has samples for. */
  readonly passAtK: Readonly<Record<string, number>>;
  /** Every sample in order of index while they are at most 1,000; the log store's `results.jsonl` has all, always. */
  readonly results: readonly SampleResult[];
  readonly resultsLeftOut: number;
  /** Problems that no sample was given for; pass@k is the mean over the others. The first 20 by name. */
  readonly unattempted?: { readonly count: number; readonly first: readonly string[] };
}

export type WorkloadOutput = CommandOutput | EvaluationOutput;

export interface JobRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What `handle.result()` gives for a task that succeeded. A task that did not rejects with a code of errors.ts. */
export interface TaskResult<Output extends WorkloadOutput = WorkloadOutput> {
  readonly taskId: string;
  readonly workload: WorkloadName;
  readonly outcome: 'succeeded';
  readonly output: Output;
  readonly job: JobRef;
  /** ISO 8601, from the container's own status. */
  readonly startedAt?: string;
  readonly finishedAt?: string;
}

/** Something that keeps a task from going on, or ended it: what happened, why, and what to do. */
export interface Problem {
  /** One of errors.ts. */
  readonly code: string;
  readonly message: string;
  readonly next?: string;
  /** Facts by name: exit code, limit, peak, resource, node. */
  readonly facts?: Readonly<Record<string, string | number>>;
}

/** What the world says of a Job that has ended. */
export type Ending =
  | {
      readonly kind: 'succeeded';
      readonly output: WorkloadOutput;
      readonly startedAt?: string;
      readonly finishedAt?: string;
    }
  | { readonly kind: 'failed'; readonly problem: Problem };

// --- What can be seen while it lives ------------------------------------------------------------------------------

/** queued, reserving: only where there are limits, queued also by Kueue. */
export type Phase = 'provisioning' | 'queued' | 'reserving' | 'starting' | 'running' | 'releasing' | 'ended';

export interface Progress {
  readonly done: number;
  readonly total: number;
  /** One short line, e.g. `31 passed, 2 failed`. */
  readonly note?: string;
}

export interface PodView {
  readonly name: string;
  readonly node?: string;
  /** Kubernetes' own: Pending, Running, Succeeded, Failed, Unknown; or Terminating. */
  readonly phase: string;
}

/** What follow sees: it is in its heartbeat; what keeps the task from getting on also in a signal. */
export interface Sighting {
  readonly job: JobRef;
  readonly pod?: PodView;
  readonly progress?: Progress;
  /** Why the task does not get on at the moment: waiting for a node, for an image, for quota. */
  readonly problem?: Problem;
}

export interface CancelRequest {
  readonly reason: string;
  /** ISO 8601, when the workflow heard of it. */
  readonly at: string;
}

/** The answer of the `state` query, and what the memo mirrors so that it can be read with no worker alive. */
export interface TaskState {
  readonly taskId: string;
  readonly workload: WorkloadName;
  readonly phase: Phase;
  readonly outcome?: Outcome;
  readonly cancel?: CancelRequest;
  readonly job?: JobRef;
  readonly pod?: PodView;
  readonly progress?: Progress;
  readonly problem?: Problem;
  /** Only if the platform took a Pod away and the task ran anew: how often, and what took the last one. */
  readonly retried?: { readonly times: number; readonly because: Problem };
  /** False as long as it is certain that the Job was never allowed to make Pods; by Kueue: as long as nobody has seen it. */
  readonly started: boolean;
}

/** `terminated` and `timed_out` are Temporal's own endings, which skip workflow code. */
export type Outcome = 'succeeded' | 'failed' | 'cancelled' | 'terminated' | 'timed_out';

/** What a cancel is answered with. A closed set; repeats get the same answer. */
export type CancelAnswer =
  | 'cancelled_before_start'
  | 'cancelled_running'
  | 'cancelling'
  | 'already_completed'
  | 'already_failed'
  | 'already_cancelled'
  | 'already_terminated'
  | 'already_timed_out'
  | 'unknown_task';

// --- What workflow and activities say to each other -------------------------------------------------------------

/** One attempt to run a task: it names the anchor and the Job. Whatever runs anew is another attempt. */
export interface RunRef {
  /** The Temporal Workflow Id. */
  readonly taskId: string;
  /** The Temporal Run Id under which this attempt was provisioned. */
  readonly runId: string;
  readonly attempt: number;
}

/** The one object that owns everything a run makes. After a Reset it may be of the run before: `run` tells. */
export interface AnchorRef {
  readonly run: RunRef;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly workload: WorkloadName;
  readonly timeoutSeconds: number;
  /** Workflow Id of the limiter that must let the run in before a Job is made. Absent where nothing is limited. */
  readonly limiter?: string;
  /** Kueue's LocalQueue from which the Job is started. Absent where we start it. */
  readonly queue?: string;
}

/** What a run has before it may start. */
export interface Provisioned {
  readonly anchor: AnchorRef;
  /** Absent where the run must be let in first: there no Job is made before. */
  readonly job?: JobRef;
}

/**
 * `released`: the proof is there. `unsettled`: the Job was found to have ended by itself, which nobody knew yet; nothing
 * was deleted, so that its ending is in the history before the Job is gone.
 */
export type Released =
  | { readonly is: 'released'; readonly found: 'nothing' | 'suspended' | 'started' }
  | { readonly is: 'unsettled'; readonly ending: Ending };

export const WORKFLOW_TYPE = 'runTask';
/** Runs one sweep; started by a Temporal Schedule, if somebody made one. */
export const SWEEP_WORKFLOW_TYPE = 'sweepOnce';
export const TASK_QUEUE = 'holdfast';

/** Long waits have a queue, and so slots, of their own: they never keep a release waiting. */
export function followQueue(taskQueue: string): string {
  return `${taskQueue}-follow`;
}

export const STATE_QUERY = 'state';
export const SIGHTING_SIGNAL = 'sighting';
