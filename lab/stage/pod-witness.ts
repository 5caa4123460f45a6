/** Sees every Pod of a namespace from the API server's own watch, and when: past proxy and product. */
import type { KubeConfig, V1Pod } from '@kubernetes/client-node';
import { isTerminal, LABEL } from '../../src/fence.ts';
import { patientWatch } from './patient-watch.ts';

export interface PodEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly at: number;
  readonly pod: V1Pod;
}

export class PodWitness {
  readonly events: PodEvent[] = [];
  readonly #watch: Promise<AbortController>;

  constructor(kube: KubeConfig, namespace: string) {
    const see = (type: string, pod: V1Pod) => {
      if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED')
        this.events.push({ type, at: Date.now(), pod });
    };
    this.#watch = patientWatch(kube).watch(`/api/v1/namespaces/${namespace}/pods`, {}, see, () => undefined);
  }

  async close(): Promise<void> {
    (await this.#watch).abort();
  }

  of(task: string): readonly PodEvent[] {
    return this.events.filter(({ pod }) => pod.metadata?.labels?.[LABEL.task] === task);
  }

  /** Pods of a run, by its name, that were not seen ended yet. */
  stillRunning(run: string): readonly PodEvent[] {
    return this.#lastOf(run).filter((event) => !isEnd(event));
  }

  /** When the last container of a run was seen ended; undefined if one may still run, or none ever did. */
  containersEndedAt(run: string): number | undefined {
    const events = this.#ofRun(run);
    if (!events.some(({ pod }) => pod.status?.phase === 'Running') || this.stillRunning(run).length > 0)
      return undefined;
    const byPod = Map.groupBy(events.filter(isEnd), ({ pod }) => pod.metadata?.uid);
    return Math.max(...[...byPod.values()].map(([first]) => first?.at ?? 0));
  }

  /** Names of Pods of a run that were made after that moment. */
  createdAfter(run: string, moment: number): readonly string[] {
    const late = this.#ofRun(run).filter(({ type, at }) => type === 'ADDED' && at > moment);
    return late.map(({ pod }) => pod.metadata?.name ?? '');
  }

  /** What must not be seen after "cancelled" was said: a new Pod, or one in which a container still runs. */
  offencesAfter(task: string, answeredAt: number): readonly string[] {
    return this.of(task)
      .filter(({ at, type, pod }) => at > answeredAt && type !== 'DELETED' && (type === 'ADDED' || !isTerminal(pod)))
      .map(({ type, pod }) => `${type} ${pod.metadata?.name} ${pod.status?.phase}`);
  }

  #ofRun(run: string): readonly PodEvent[] {
    return this.events.filter(({ pod }) => pod.metadata?.labels?.[LABEL.run] === run);
  }

  #lastOf(run: string): readonly PodEvent[] {
    return [...new Map(this.#ofRun(run).map((event) => [event.pod.metadata?.uid, event])).values()];
  }
}

/** After this no container of the Pod runs. */
export function isEnd({ type, pod }: PodEvent): boolean {
  return type === 'DELETED' || isTerminal(pod);
}
