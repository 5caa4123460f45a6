/** Sees every Pod of a namespace from the API server's own watch, and when: past proxy and product. */
import { type KubeConfig, type V1Pod, Watch } from '@kubernetes/client-node';
import { isTerminal, LABEL } from '../../src/fence.ts';

export interface PodEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly at: number;
  readonly pod: V1Pod;
}

export class PodWitness {
  readonly events: PodEvent[] = [];
  readonly #watch: Promise<AbortController>;

  constructor(kube: KubeConfig, namespace: string) {
    const watch = new Watch(kube);
    // A namespace without Pods is quiet for long; the default ends a quiet watch after 30 s.
    Object.assign(watch, { requestTimeoutMs: 600_000 });
    const see = (type: string, pod: V1Pod) => {
      if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED')
        this.events.push({ type, at: Date.now(), pod });
    };
    this.#watch = watch.watch(`/api/v1/namespaces/${namespace}/pods`, {}, see, () => undefined);
  }

  async close(): Promise<void> {
    (await this.#watch).abort();
  }

  of(task: string): readonly PodEvent[] {
    return this.events.filter(({ pod }) => pod.metadata?.labels?.[LABEL.task] === task);
  }

  /** What must not be seen after "cancelled" was said: a new Pod, or one in which a container still runs. */
  offencesAfter(task: string, answeredAt: number): readonly string[] {
    return this.of(task)
      .filter(({ at, type, pod }) => at > answeredAt && type !== 'DELETED' && (type === 'ADDED' || !isTerminal(pod)))
      .map(({ type, pod }) => `${type} ${pod.metadata?.name} ${pod.status?.phase}`);
  }
}
