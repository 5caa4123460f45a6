/** What a kill is asked for and what it answers. Pure types, as those of contract.ts. */
import type { CancelAnswer, Outcome, PodView } from '../contract.ts';

export interface KillOptions {
  /** Why; it is in the history of the workflow that is terminated. At most 1,000 characters. */
  readonly reason?: string;
  /** How long the nodes are given to end the containers and say so, before Pods are removed. Seconds, default 30. */
  readonly waitSeconds?: number;
  /** Ends the call, not what it has ended by then. */
  readonly signal?: AbortSignal | undefined;
}

/** What only Temporal itself can be told. */
export interface DirectKillOptions extends KillOptions {
  /** Who kills, for the same history. Default: the identity of Temporal's client, a process and its host. */
  readonly by?: string;
  /** First run id of the task that is meant, if a later one of the same id must not be. */
  readonly firstRunId?: string;
}

/**
 * What a kill is answered with. `killed`: it is proved that nothing of the task runs, and none ever will. `killed_unproved`:
 * the task is ended in Temporal and what could be removed was, but something may still run or is still there, as listed.
 * `already_…`: it had ended before, and Kubernetes has nothing of it that could run.
 */
export type KillAnswer = 'killed' | 'killed_unproved' | Extract<CancelAnswer, `already_${string}`>;

/** What the node's own word proves of a Pod's containers. `may_run`: nothing. */
export type PodEnd = 'never_ran' | 'terminated' | 'may_run';
export type NodeState = 'ready' | 'not_ready' | 'gone' | 'unknown';

export interface KilledPod {
  readonly name: string;
  readonly node?: string;
  readonly end: PodEnd;
  /** Only of a Pod that may run. */
  readonly nodeState?: NodeState;
  readonly why?: string;
}

/** An object that did not go, or that should have been there. */
export interface StillThere {
  readonly kind: 'ConfigMap' | 'Job' | 'Pod';
  readonly name: string;
  readonly why: string;
}

export interface KillReport {
  readonly taskId: string;
  readonly answer: KillAnswer;
  /** How the task stood when the kill came. `forgotten`: Temporal has no record of it. */
  readonly was: 'open' | 'forgotten' | Outcome;
  /** Every Pod of the task that was seen. */
  readonly pods: readonly KilledPod[];
  /** Empty if all is gone. */
  readonly left: readonly StillThere[];
}

/** Which tasks are meant: all conditions hold. */
export interface KillFilter {
  readonly workload?: string;
  /** Labels of the task's objects in Kubernetes. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Since its first object was made. */
  readonly olderThanSeconds?: number;
}

/** A task that a filter selects: something of it is in Kubernetes. */
export interface KillCandidate {
  readonly taskId: string;
  readonly workload: string;
  /** ISO 8601, when the oldest of its objects that were found was made. */
  readonly since: string;
  readonly was: KillReport['was'];
  /** Hand it to `kill`, so that no task is meant that is started later under the same id. */
  readonly firstRunId?: string;
  readonly pods: readonly PodView[];
}
