/**
 * Sees the last state of every Pod of a task, also of those that vanish between two looks: what a Pod's object said
 * of its containers when it was removed is the proof that they ended, or the lack of it.
 */
import { CoreV1Api, type KubeConfig, type V1Pod } from '@kubernetes/client-node';
import { LABEL } from '../fence.ts';
import { ApiError, fromStatus, toApiError } from '../kubernetes/api-error.ts';
import { ListWatch, type Timing } from '../kubernetes/list-watch.ts';
import { withSignal } from '../kubernetes/request-options.ts';

const WHAT = 'watch Pods';
const TIMING: Timing = { deadlineMs: 20_000, quietMs: 30_000, pauseMs: 250 };

export interface SeenPod {
  /** As it was seen last. */
  readonly pod: V1Pod;
  /** Whether it was seen to be removed. */
  readonly gone: boolean;
}

export class PodEyes {
  readonly #watch: ListWatch<V1Pod>;
  readonly #seen = new Map<string, SeenPod>();
  readonly #opened = Promise.withResolvers<void>();
  #wake: () => void = () => undefined;

  private constructor(kube: KubeConfig, namespace: string, task: string) {
    const core = kube.makeApiClient(CoreV1Api);
    const labelSelector = `${LABEL.task}=${task}`;
    const keyOf: (pod: V1Pod) => string = ({ metadata }) => metadata?.uid ?? '';
    this.#watch = new ListWatch<V1Pod>(
      kube,
      {
        path: `/api/v1/namespaces/${namespace}/pods`,
        labelSelector,
        list: (signal) => core.listNamespacedPod({ namespace, labelSelector }, withSignal(signal)),
        keyOf,
        changed: (uid) => {
          for (const pod of this.#watch.of(uid)) this.#see(uid, { pod, gone: false });
        },
        gone: (pod) => this.#see(keyOf(pod), { pod, gone: true }),
        watching: () => this.#opened.resolve(),
        failed: (error) => this.#opened.reject(refusalOf(error)),
      },
      TIMING,
    );
    // Whoever opens them hears of the first refusal; later ones are got over.
    this.#opened.promise.catch(() => undefined);
  }

  /** @throws ApiError */
  static async open(kube: KubeConfig, namespace: string, task: string): Promise<PodEyes> {
    const eyes = new PodEyes(kube, namespace, task);
    try {
      await eyes.#watch.start();
      await eyes.#opened.promise;
      return eyes;
    } catch (error) {
      eyes.close();
      throw error;
    }
  }

  close(): void {
    this.#watch.stop();
    this.#wake();
  }

  all(): readonly SeenPod[] {
    return [...this.#seen.values()];
  }

  /** What a list has shown and the watch not yet. */
  note(pods: readonly V1Pod[]): void {
    for (const pod of pods) {
      const uid = pod.metadata?.uid ?? '';
      if (!this.#seen.has(uid)) this.#seen.set(uid, { pod, gone: false });
    }
  }

  /** Resolves at the next event, or after `ms`. */
  async changed(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
  }

  #see(uid: string, seen: SeenPod): void {
    this.#seen.set(uid, seen);
    this.#wake();
  }
}

function refusalOf(error: unknown): ApiError {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : undefined;
  // The client throws away what the server said of a watch; nothing was begun yet, so to believe a 403 costs nothing.
  if (status === 403) return new ApiError('forbidden', `${WHAT}: 403 ${String(error)}`, { status });
  return status === undefined ? toApiError(error, WHAT) : fromStatus(WHAT, status, String(error));
}
