/** Sees every Job of a namespace that was ever let go, from the API server's own watch: past proxy and product. */
import { type KubeConfig, type V1Job, Watch } from '@kubernetes/client-node';
import { LABEL } from '../../src/fence.ts';

export class JobWitness {
  readonly #started = new Map<string, Set<string>>();
  readonly #watch: Promise<AbortController>;

  constructor(kube: KubeConfig, namespace: string) {
    // A namespace without Jobs is quiet for long; the default ends a quiet watch after 30 s.
    const watch = new Watch(kube);
    Object.assign(watch, { requestTimeoutMs: 600_000 });
    const see = (_type: string, { metadata, spec }: V1Job) => {
      if (spec?.suspend === true || metadata?.uid === undefined) return;
      const task = metadata.labels?.[LABEL.task] ?? '';
      this.#started.set(task, (this.#started.get(task) ?? new Set()).add(metadata.uid));
    };
    this.#watch = watch.watch(`/apis/batch/v1/namespaces/${namespace}/jobs`, {}, see, () => undefined);
  }

  async close(): Promise<void> {
    (await this.#watch).abort();
  }

  /** uids of the task's Jobs that were started. */
  startedOf(task: string): readonly string[] {
    return [...(this.#started.get(task) ?? [])];
  }
}
