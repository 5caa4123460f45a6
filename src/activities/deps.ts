/** What the worker hands to every activity. */
import type { JobsApi } from '../kubernetes/jobs-api.ts';
import type { RunWatch } from '../kubernetes/run-watch.ts';
import type { Collector } from '../logs/collector.ts';
import type { Limits } from '../limits/contract.ts';
import type { Logger } from 'pino';
import type { LogStore } from '../logs/store.ts';
import type { Metrics } from '../metrics.ts';
import type { Followed } from './followed.ts';
import type { Room } from './room.ts';
import type { Unreleased } from '../unreleased.ts';

export interface Deps {
  readonly api: JobsApi;
  readonly watch: RunWatch;
  readonly logs: LogStore;
  readonly collector: Collector;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly unreleased: Unreleased;
  readonly followed: Followed;
  readonly room: Room;
  /** Of the workflows; long waits that found no room have another. */
  readonly taskQueue: string;
  /** Aborts when the worker stops: what only reads is handed back at once. */
  readonly stopping: AbortSignal;
  /** UUID of the Temporal namespace. */
  readonly temporalNamespaceId: string;
  /** The image for workloads that need Python and name no other. */
  readonly pythonImage: string;
  /** If there are any: what they are, and who keeps them. */
  readonly limits: { readonly limiter: string; readonly most: Limits } | undefined;
  /** Kueue's LocalQueue from which Jobs are started, if Kueue does that. */
  readonly queue: string | undefined;
  /** Tells a limiter that nothing of a run is left. Never fails. */
  readonly tellFreed: (limiter: string, run: string) => Promise<void>;
}
