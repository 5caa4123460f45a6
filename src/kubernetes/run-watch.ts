/**
 * What is going on with our Jobs and Pods: one watch of each kind per worker process, however many tasks it follows.
 * A cache, so only for knowing when to look; what is decided on is read from the API server.
 */
import {
  BatchV1Api,
  CoreV1Api,
  type Informer,
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
  type ObjectCache,
  type V1Job,
  type V1Pod,
} from '@kubernetes/client-node';
import { LABEL, MANAGED_BY } from '../fence.ts';

const SELECTOR = `${LABEL.managedBy}=${MANAGED_BY}`;
const RESTART_MS = 1_000;

type Cache<T extends KubernetesObject> = Informer<T> & ObjectCache<T>;

export interface RunView {
  readonly job: V1Job | undefined;
  readonly pods: readonly V1Pod[];
}

export interface RunWatchLog {
  warn(message: string, fields: Record<string, unknown>): void;
}

export class RunWatch {
  readonly #jobs: Cache<V1Job>;
  readonly #pods: Cache<V1Pod>;
  readonly #namespace: string;
  readonly #log: RunWatchLog;
  readonly #podsOf = new Map<string, Map<string, V1Pod>>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #stopped = false;

  constructor(config: KubeConfig, namespace: string, log: RunWatchLog) {
    this.#namespace = namespace;
    this.#log = log;
    const batch = config.makeApiClient(BatchV1Api);
    const core = config.makeApiClient(CoreV1Api);
    this.#jobs = this.#informer(config, `/apis/batch/v1/namespaces/${namespace}/jobs`, () =>
      batch.listNamespacedJob({ namespace, labelSelector: SELECTOR }),
    );
    this.#pods = this.#informer(config, `/api/v1/namespaces/${namespace}/pods`, () =>
      core.listNamespacedPod({ namespace, labelSelector: SELECTOR }),
    );
    this.#pods.on('add', (pod) => this.#keepPod(pod));
    this.#pods.on('update', (pod) => this.#keepPod(pod));
    this.#pods.on('delete', (pod) => this.#dropPod(pod));
  }

  async start(): Promise<void> {
    await Promise.all([this.#jobs.start(), this.#pods.start()]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#jobs.stop(), this.#pods.stop()]);
  }

  see(run: string): RunView {
    return { job: this.#jobs.get(run, this.#namespace), pods: [...(this.#podsOf.get(run)?.values() ?? [])] };
  }

  /** Calls back with the run of each Job that comes or changes, until what it gives is called. */
  onJob(seen: (run: string) => void): () => void {
    const tell = (job: V1Job) => seen(runOf(job));
    for (const verb of ['add', 'update'] as const) this.#jobs.on(verb, tell);
    return () => {
      for (const verb of ['add', 'update'] as const) this.#jobs.off(verb, tell);
    };
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

  #informer<T extends KubernetesObject>(
    config: KubeConfig,
    path: string,
    list: () => Promise<KubernetesListObject<T>>,
  ): Cache<T> {
    const informer = makeInformer<T>(config, path, list, SELECTOR);
    informer.on('change', (object) => this.#wake(runOf(object)));
    informer.on('error', (error: unknown) => {
      if (this.#stopped) return;
      this.#log.warn('watch ended, starting it again', { path, error: String(error) });
      setTimeout(() => void informer.start(), RESTART_MS).unref();
    });
    return informer;
  }

  #keepPod(pod: V1Pod): void {
    const run = runOf(pod);
    const pods = this.#podsOf.get(run) ?? new Map<string, V1Pod>();
    this.#podsOf.set(run, pods.set(pod.metadata?.name ?? '', pod));
  }

  #dropPod(pod: V1Pod): void {
    const pods = this.#podsOf.get(runOf(pod));
    pods?.delete(pod.metadata?.name ?? '');
    if (pods?.size === 0) this.#podsOf.delete(runOf(pod));
  }

  #wake(run: string): void {
    for (const done of this.#waiting.get(run) ?? []) done();
  }
}

function runOf(object: KubernetesObject): string {
  return object.metadata?.labels?.[LABEL.run] ?? '';
}
