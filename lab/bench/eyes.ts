/** When Pods and Jobs of a namespace came, ran, ended and went: the same watch for Holdfast's and for raw ones. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchV1Api,
  CoreV1Api,
  type KubeConfig,
  type KubernetesObject,
  type V1Job,
  type V1Pod,
} from '@kubernetes/client-node';
import { isTerminal } from '../../src/fence.ts';
import { patientWatch } from '../stage/patient-watch.ts';

/** Moments at which the watch told it, of one Job and its Pod. Milliseconds since 1970. */
export interface Seen {
  pod?: string;
  podMade?: number;
  running?: number;
  podEnded?: number;
  podGone?: number;
  jobMade?: number;
  jobStarted?: number;
  jobComplete?: number;
  jobGone?: number;
}

export type Moment = Exclude<keyof Seen, 'pod'>;

/** Longer than any row takes. Milliseconds. */
const QUIET_MS = 3_600_000;
/** Before a watch that the server has ended is asked for again: one that is busy ends those that lag. Milliseconds. */
const PAUSE_MS = 100;
/** The longest that anything is waited for. Milliseconds. */
const LONGEST_MS = 1_800_000;

export class Eyes {
  readonly #seen = new Map<string, Seen>();
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #watches: AbortController[] = [];
  readonly #labelSelector: string;
  #closed = false;
  #blind: Error | undefined;

  private constructor(labelSelector: string) {
    this.#labelSelector = labelSelector;
  }

  /** Of what is made from now on; with labels, of those alone that carry them. */
  static async open(kube: KubeConfig, namespace: string, labels: Readonly<Record<string, string>> = {}): Promise<Eyes> {
    const labelSelector = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
    const eyes = new Eyes(labelSelector.join(','));
    const any = { namespace, limit: 1 };
    const jobs = await kube.makeApiClient(BatchV1Api).listNamespacedJob(any);
    const pods = await kube.makeApiClient(CoreV1Api).listNamespacedPod(any);
    const [fromJobs, fromPods] = [jobs, pods].map(({ metadata }) => metadata?.resourceVersion);
    const [ofJobs, ofPods] = [`/apis/batch/v1/namespaces/${namespace}/jobs`, `/api/v1/namespaces/${namespace}/pods`];
    await eyes.#watch<V1Job>(kube, ofJobs, fromJobs, (type, job, at) => eyes.#seeJob(type, job, at));
    await eyes.#watch<V1Pod>(kube, ofPods, fromPods, (type, pod, at) => eyes.#seePod(type, pod, at));
    return eyes;
  }

  close(): void {
    this.#closed = true;
    for (const watch of this.#watches) watch.abort();
  }

  /** By the name of the Job. */
  of(job: string): Readonly<Seen> {
    return this.#seen.get(job) ?? {};
  }

  forget(job: string): void {
    this.#seen.delete(job);
  }

  /** When it came to that; waits for it. */
  async when(job: string, moment: Moment, signal?: AbortSignal): Promise<number> {
    const patience = AbortSignal.timeout(LONGEST_MS);
    const limit = signal === undefined ? patience : AbortSignal.any([signal, patience]);
    for (;;) {
      const at = this.of(job)[moment];
      if (at !== undefined) return at;
      if (this.#blind !== undefined) throw this.#blind;
      signal?.throwIfAborted();
      if (patience.aborted) throw new Error(`Job ${job}: no ${moment} within ${LONGEST_MS / 1_000} s`);
      await this.#next(job, limit);
    }
  }

  /** When the last of them came to that. */
  async whenAll(jobs: readonly string[], moment: Moment): Promise<number> {
    return Math.max(...(await Promise.all(jobs.map((job) => this.when(job, moment)))));
  }

  /** Waits until none of them is there any more, and forgets them. */
  async untilGone(jobs: readonly string[]): Promise<void> {
    await this.whenAll(jobs, 'jobGone');
    for (const job of jobs) this.forget(job);
  }

  #next(job: string, limit: AbortSignal): Promise<void> {
    const waiting = this.#waiting.get(job) ?? new Set();
    this.#waiting.set(job, waiting);
    return new Promise((resolve) => {
      const done = () => {
        limit.removeEventListener('abort', done);
        waiting.delete(done);
        if (waiting.size === 0 && this.#waiting.get(job) === waiting) this.#waiting.delete(job);
        resolve();
      };
      limit.addEventListener('abort', done, { once: true });
      waiting.add(done);
    });
  }

  /** Where the server ends a watch of its own accord, the next goes on from what was seen last: nothing is missed. */
  async #watch<T extends KubernetesObject>(
    kube: KubeConfig,
    path: string,
    from: string | undefined,
    see: (type: string, object: T, at: number) => void,
  ): Promise<void> {
    const watch = patientWatch(kube, QUIET_MS);
    let latest = from;
    const seen = (type: string, object: T) => {
      if (type === 'ERROR') return this.#turnBlind(path, JSON.stringify(object));
      latest = object.metadata?.resourceVersion ?? latest;
      see(type, object, Date.now());
    };
    const open = async () => {
      const query = { labelSelector: this.#labelSelector, ...(latest !== undefined && { resourceVersion: latest }) };
      this.#watches.push(await watch.watch(path, query, seen, (error: unknown) => void goOn(error)));
      if (this.#closed) this.close();
    };
    const goOn = async (error: unknown) => {
      if (this.#closed || this.#blind !== undefined) return;
      if (error !== null) return this.#turnBlind(path, error);
      try {
        await sleep(PAUSE_MS);
        await open();
      } catch (refused) {
        this.#turnBlind(path, refused);
      }
    };
    await open();
  }

  /** Whoever may have missed something must not measure. */
  #turnBlind(path: string, error: unknown): void {
    this.#blind = new Error(`the watch of ${path} ended: ${String(error)}`);
    for (const waiting of this.#waiting.values()) for (const done of waiting) done();
  }

  #seeJob(type: string, { metadata, spec, status }: V1Job, at: number): void {
    const complete = status?.conditions?.some((condition) => condition.type === 'Complete');
    this.#note(metadata?.name, {
      jobMade: at,
      ...(spec?.suspend !== true && { jobStarted: at }),
      ...(complete === true && { jobComplete: at }),
      ...(type === 'DELETED' && { jobGone: at }),
    });
  }

  #seePod(type: string, pod: V1Pod, at: number): void {
    const runs = pod.status?.containerStatuses?.some(({ state }) => state?.running !== undefined) === true;
    const ended = isTerminal(pod) || type === 'DELETED';
    this.#note(pod.metadata?.labels?.['batch.kubernetes.io/job-name'], {
      pod: pod.metadata?.name ?? '',
      podMade: at,
      ...((runs || isTerminal(pod)) && { running: at }),
      ...(ended && { podEnded: at }),
      ...(type === 'DELETED' && { podGone: at }),
    });
  }

  /** What was noted first stays. */
  #note(job: string | undefined, seen: Seen): void {
    if (job === undefined) return;
    this.#seen.set(job, { ...seen, ...this.#seen.get(job) });
    for (const done of this.#waiting.get(job) ?? []) done();
  }
}
