/**
 * Sees the last state of every Pod of a task, also of those that vanish between two looks: what a Pod's object said
 * of its containers when it was removed is the proof that they ended, or the lack of it.
 */
import { type KubeConfig, type V1Pod, Watch } from '@kubernetes/client-node';
import { LABEL } from '../fence.ts';
import { ApiError, fromStatus, toApiError } from '../kubernetes/api-error.ts';

const WHAT = 'watch Pods';
const AGAIN_MS = 250;

export interface SeenPod {
  /** As it was seen last. */
  readonly pod: V1Pod;
  /** Whether it was seen to be removed. What vanishes while nobody watches is never seen to be. */
  readonly gone: boolean;
}

export class PodEyes {
  readonly #watch: Watch;
  readonly #path: string;
  readonly #labelSelector: string;
  readonly #seen = new Map<string, SeenPod>();
  #stream: AbortController | undefined;
  #closed = false;
  #wake: () => void = () => undefined;

  private constructor(kube: KubeConfig, namespace: string, task: string) {
    this.#watch = new Watch(kube);
    this.#path = `/api/v1/namespaces/${namespace}/pods`;
    this.#labelSelector = `${LABEL.task}=${task}`;
  }

  /** @throws ApiError */
  static async open(kube: KubeConfig, namespace: string, task: string): Promise<PodEyes> {
    const eyes = new PodEyes(kube, namespace, task);
    await eyes.#open();
    return eyes;
  }

  close(): void {
    this.#closed = true;
    this.#stream?.abort();
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

  async #open(): Promise<void> {
    let isOpen = false;
    let refusal: unknown;
    const end = (error: unknown) => {
      refusal ??= error;
      if (isOpen) this.#openAgain();
    };
    const see = (type: string, pod: V1Pod) => this.#see(type, pod);
    this.#stream = await this.#watch.watch(this.#path, { labelSelector: this.#labelSelector }, see, end);
    if (refusal !== undefined && refusal !== null) throw refusalOf(refusal);
    isOpen = true;
    if (this.#closed) this.#stream.abort();
  }

  #openAgain(): void {
    if (this.#closed) return;
    setTimeout(() => void this.#open().catch(() => this.#openAgain()), AGAIN_MS).unref();
  }

  #see(type: string, pod: V1Pod): void {
    if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED') return;
    this.#seen.set(pod.metadata?.uid ?? '', { pod, gone: type === 'DELETED' });
    this.#wake();
  }
}

function refusalOf(error: unknown): ApiError {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : undefined;
  // The client throws away what the server said of it; nothing was begun yet, so to believe a 403 costs nothing.
  if (status === 403) return new ApiError('forbidden', `${WHAT}: 403 ${String(error)}`, { status });
  return status === undefined ? toApiError(error, WHAT) : fromStatus(WHAT, status, String(error));
}
