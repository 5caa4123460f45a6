/**
 * What is going on with our Jobs and Pods: one watch of each kind per worker process, however many tasks it follows.
 * A cache, so only for knowing when to look, and for what stays as it is: that a Pod has ended. All else that is decided on
 * is read from the API server.
 */
import {
  BatchV1Api,
  CoreV1Api,
  type KubeConfig,
  type KubernetesObject,
  type V1Job,
  type V1Pod,
} from '@kubernetes/client-node';
import { LABEL, MANAGED_BY } from '../fence.ts';
import { type Listing, ListWatch, type Timing } from './list-watch.ts';
import { withSignal } from './request-options.ts';
import { slimJob, slimPod } from './slim.ts';

const SELECTOR = `${LABEL.managedBy}=${MANAGED_BY}`;
/** A list is of everything, and may take longer than other requests. */
const TIMING: Timing = { deadlineMs: 30_000, quietMs: 30_000, pauseMs: 1_000 };

/** Objects in one answer to a list. */
const PAGE = 250;

export interface RunView {
  readonly job: V1Job | undefined;
  readonly pods: readonly V1Pod[];
}

export interface RunWatchLog {
  warn(message: string, fields: Record<string, unknown>): void;
}

export class RunWatch {
  readonly #jobs: ListWatch<V1Job>;
  readonly #pods: ListWatch<V1Pod>;
  readonly #log: RunWatchLog;
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #jobListeners = new Set<(run: string) => void>();

  constructor(config: KubeConfig, namespace: string, log: RunWatchLog, timing: Timing = TIMING) {
    this.#log = log;
    const batch = config.makeApiClient(BatchV1Api);
    const core = config.makeApiClient(CoreV1Api);
    const listing = { namespace, labelSelector: SELECTOR, limit: PAGE };
    const jobs = this.#listing<V1Job>(`/apis/batch/v1/namespaces/${namespace}/jobs`, (signal, page) =>
      batch.listNamespacedJob({ ...listing, ...(page !== undefined && { _continue: page }) }, withSignal(signal)),
    );
    const pods = this.#listing<V1Pod>(`/api/v1/namespaces/${namespace}/pods`, (signal, page) =>
      core.listNamespacedPod({ ...listing, ...(page !== undefined && { _continue: page }) }, withSignal(signal)),
    );
    this.#jobs = new ListWatch(config, { ...jobs, slim: slimJob, changed: (run) => this.#jobChanged(run) }, timing);
    this.#pods = new ListWatch(config, { ...pods, slim: slimPod }, timing);
  }

  async start(): Promise<void> {
    await Promise.all([this.#jobs.start(), this.#pods.start()]);
  }

  stop(): void {
    this.#jobs.stop();
    this.#pods.stop();
  }

  see(run: string): RunView {
    return { job: this.#jobs.of(run).find(({ metadata }) => metadata?.name === run), pods: this.#pods.of(run) };
  }

  /** Calls back with the run of each Job that comes, changes or goes, until what it gives is called. */
  onJob(seen: (run: string) => void): () => void {
    this.#jobListeners.add(seen);
    return () => void this.#jobListeners.delete(seen);
  }

  /** Resolves at the next change of the run's Job or Pods, after `ms`, or when the signal aborts: look again then. */
  changed(run: string, ms: number, signal: AbortSignal): Promise<void> {
    const waiting = this.#waiting.get(run) ?? new Set();
    this.#waiting.set(run, waiting);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        waiting.delete(done);
        if (waiting.size === 0 && this.#waiting.get(run) === waiting) this.#waiting.delete(run);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
      waiting.add(done);
      if (signal.aborted) done();
    });
  }

  #listing<T extends KubernetesObject>(path: string, list: Listing<T>['list']): Listing<T> {
    return {
      path,
      labelSelector: SELECTOR,
      list,
      keyOf: (object) => object.metadata?.labels?.[LABEL.run] ?? '',
      changed: (run) => this.#wake(run),
      failed: (error) => this.#log.warn('a watch ended with an error; listing again', { path, error: String(error) }),
    };
  }

  #jobChanged(run: string): void {
    this.#wake(run);
    for (const seen of this.#jobListeners) seen(run);
  }

  #wake(run: string): void {
    for (const done of this.#waiting.get(run) ?? []) done();
  }
}
