/** Sees Jobs and Pods at the API server itself, past product and proxy, and times them on one clock: this process's. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchV1Api,
  CoreV1Api,
  type KubeConfig,
  type KubernetesObject,
  type V1Job,
  type V1Pod,
} from '@kubernetes/client-node';
import { ANNOTATION } from '../../src/fence.ts';
import { ID_LABEL } from '../protocols/jobs.ts';
import { patientWatch } from '../stage/patient-watch.ts';

interface Life {
  readonly name: string;
  readonly createdAt: number;
  goneAt?: number;
  startedAt?: number;
  stoppedAt?: number;
}

interface TaskSeen {
  readonly jobs: Map<string, Life>;
  readonly pods: Map<string, Life>;
}

export interface Live {
  readonly jobs: readonly V1Job[];
  readonly pods: readonly V1Pod[];
}

export class Oracle {
  readonly namespace: string;
  readonly #kube: KubeConfig;
  readonly #batch: BatchV1Api;
  readonly #core: CoreV1Api;
  readonly #tasks = new Map<string, TaskSeen>();
  readonly #stopped = new AbortController();

  constructor(kube: KubeConfig, namespace: string) {
    this.#kube = kube;
    this.namespace = namespace;
    this.#batch = kube.makeApiClient(BatchV1Api);
    this.#core = kube.makeApiClient(CoreV1Api);
  }

  start(): void {
    void this.#keepWatching<V1Job>(`/apis/batch/v1/namespaces/${this.namespace}/jobs`, (type, job) =>
      this.#seeJob(type, job),
    );
    void this.#keepWatching<V1Pod>(`/api/v1/namespaces/${this.namespace}/pods`, (type, pod) => this.#seePod(type, pod));
  }

  close(): void {
    this.#stopped.abort();
  }

  seen(id: string): TaskSeen {
    const seen = this.#tasks.get(id) ?? { jobs: new Map<string, Life>(), pods: new Map<string, Life>() };
    this.#tasks.set(id, seen);
    return seen;
  }

  hasPod(id: string): boolean {
    return this.seen(id).pods.size > 0;
  }

  runs(id: string): boolean {
    return [...this.seen(id).pods.values()].some(({ startedAt }) => startedAt !== undefined);
  }

  /** Read anew: what is there, has not finished and is not being deleted. */
  async live(id: string): Promise<Live> {
    const { namespace } = this;
    const [jobs, pods] = await Promise.all([
      this.#batch.listNamespacedJob({ namespace }),
      this.#core.listNamespacedPod({ namespace }),
    ]);
    return {
      jobs: jobs.items.filter((job) => taskOf(job) === id && isLive(job) && !isFinished(job)),
      pods: pods.items.filter((pod) => taskOf(pod) === id && isLive(pod) && !isTerminal(pod)),
    };
  }

  /** Takes away what a case has left, so that the next ones have the node to themselves. */
  async remove({ jobs, pods }: Live): Promise<void> {
    const { namespace } = this;
    const names = (objects: readonly KubernetesObject[]) => objects.map(({ metadata }) => metadata?.name ?? '');
    const removals = [
      ...names(jobs).map((name) =>
        this.#batch.deleteNamespacedJob({ namespace, name, body: { propagationPolicy: 'Background' } }),
      ),
      ...names(pods).map((name) => this.#core.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 })),
    ];
    await Promise.allSettled(removals);
  }

  /** A watch ends now and then; the next one begins with everything that is there. */
  async #keepWatching<T extends KubernetesObject>(path: string, see: (type: string, object: T) => void): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const watch = patientWatch(this.#kube);
      await new Promise<void>((resolve) => {
        const end = () => resolve();
        const open = async () => {
          const controller = await watch.watch(path, {}, see, end);
          this.#stopped.signal.addEventListener('abort', () => controller.abort(), { once: true });
        };
        open().catch(end);
      });
      await sleep(100);
    }
  }

  #seeJob(type: string, job: V1Job): void {
    const life = this.#life(job, 'jobs');
    if (life !== undefined && type === 'DELETED') life.goneAt ??= Date.now();
  }

  #seePod(type: string, pod: V1Pod): void {
    const life = this.#life(pod, 'pods');
    if (life === undefined) return;
    const state = pod.status?.containerStatuses?.[0]?.state;
    // A container that never started has no time of start in its terminated state.
    const ran = state?.running !== undefined || hasRun(state?.terminated?.startedAt);
    if (ran) life.startedAt ??= Date.now();
    if (state?.terminated !== undefined || isTerminal(pod) || type === 'DELETED') life.stoppedAt ??= Date.now();
  }

  #life(object: V1Job | V1Pod, kind: 'jobs' | 'pods'): Life | undefined {
    const id = taskOf(object);
    const uid = object.metadata?.uid;
    if (id === undefined || uid === undefined) return undefined;
    const lives = this.seen(id)[kind];
    const life = lives.get(uid) ?? { name: object.metadata?.name ?? '', createdAt: Date.now() };
    lives.set(uid, life);
    return life;
  }
}

function taskOf({ metadata }: KubernetesObject): string | undefined {
  return metadata?.labels?.[ID_LABEL] ?? metadata?.annotations?.[ANNOTATION.taskId];
}

function isLive({ metadata }: KubernetesObject): boolean {
  return metadata?.deletionTimestamp === undefined;
}

function isFinished({ status }: V1Job): boolean {
  return (status?.conditions ?? []).some(
    (item) => ['Complete', 'Failed'].includes(item.type) && item.status === 'True',
  );
}

function isTerminal({ status }: V1Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** A watch gives what is on the wire, where times are texts. */
function hasRun(startedAt: Date | string | undefined): boolean {
  return startedAt !== undefined && startedAt !== null && new Date(startedAt).getTime() > 0;
}
