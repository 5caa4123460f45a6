/**
 * What a protocol is here: real programs in processes of their own, which are asked to start a task and to cancel it.
 * The scenarios know only `Stage`; the platform of background/orphan-race.txt (queue worker, dispatcher behind HTTP,
 * status record, cancel handler) is described by a `Baseline`.
 */
import type { Jobs } from './jobs.ts';
import type { Marks } from './marks.ts';
import type { Records } from './records.ts';
import type { Redis } from './redis.ts';

/** What a cancel is answered with. Only `cancelling` leaves it open. */
export type Answer =
  | 'cancelled'
  | 'cancelled_before_start'
  | 'cancelled_running'
  | 'cancelling'
  | 'already_cancelled'
  | 'already_completed'
  | 'already_failed'
  | 'already_terminated'
  | 'already_timed_out'
  | 'unknown_task';

/** One protocol, running, in a Kubernetes namespace of its own. */
export interface Stage {
  submit(id: string): Promise<void>;
  /** Resolves when the protocol regards the cancel as settled. */
  cancel(id: string): Promise<Answer>;
  /** The record is forced past the protocol: the row is set to cancelled, or the workflow is terminated. */
  force(id: string): Promise<void>;
  /** What the record says, once it says that the task has ended. */
  ended(id: string): Promise<string | undefined>;
  /** SIGKILL for whatever talks to Kubernetes on behalf of a task. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** What the scenarios hand to a protocol. */
export interface Surroundings {
  /** A kubeconfig file that leads through the fault proxy. */
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly image: string;
  /** For records, logs, bundles; gone afterwards. */
  readonly folder: string;
  readonly redisUrl: string | undefined;
  /** Period of the interim solution's clean-up. Seconds. */
  readonly cleanUpSeconds: number;
}

export interface Protocol {
  readonly name: string;
  readonly title: string;
  /** What must be true for it to hold. */
  readonly assumes: string;
  /** What it costs: availability, latency, further parts. */
  readonly price: string;
  readonly needsRedis: boolean;
  readonly open: (surroundings: Surroundings) => Promise<Stage>;
}

// --- The platform -------------------------------------------------------------------------------------------------

/** What the programs of the platform have in their hands. */
export interface Parts {
  readonly records: Records;
  readonly dispatcher: Dispatcher;
  readonly jobs: Jobs;
  /** The dispatcher's own table, in the same database as the records. */
  readonly table: Marks;
  readonly redis: Redis;
  readonly cleanUpSeconds: number;
}

export type Reply = 'created' | 'refused' | 'killed' | 'not found' | 'reserved';

/** The dispatcher as worker and cancel handler see it: a call without an answer is made again. */
export interface Dispatcher {
  post(route: string, id: string): Promise<Reply>;
}

export type Routes = Readonly<Record<string, (id: string) => Promise<Reply>>>;

/** The programs of one option. They run in three processes: worker, dispatcher, and the API with its cancel handler. */
export interface Baseline extends Omit<Protocol, 'open'> {
  /** The worker's handling of one message; the queue delivers it again if the worker dies. */
  readonly work: (parts: Parts, id: string) => Promise<void>;
  /** Routes that the dispatcher serves. May also start what it consumes. */
  readonly dispatch: (parts: Parts) => Routes;
  readonly cancel: (parts: Parts, id: string) => Promise<Answer>;
  /** A further process, which is not killed when worker and dispatcher are. */
  readonly beside?: (parts: Parts) => Promise<void>;
}
