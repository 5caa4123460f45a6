/** What the worker hands to every activity. */
import type { JobsApi } from '../kubernetes/jobs-api.ts';
import type { RunWatch } from '../kubernetes/run-watch.ts';
import type { Collector } from '../logs/collector.ts';
import type { LogStore } from '../logs/store.ts';

export interface Deps {
  readonly api: JobsApi;
  readonly watch: RunWatch;
  readonly logs: LogStore;
  readonly collector: Collector;
  readonly temporalNamespace: string;
  /** The image for workloads that need Python and name no other. */
  readonly pythonImage: string;
}
