/** Sees Jobs and Pods of a namespace from the API server's own watch: past proxy and product. */
import { BatchV1Api, CoreV1Api, type KubeConfig, type V1Job, type V1Pod, Watch } from '@kubernetes/client-node';
import { isTerminal, LABEL } from '../../src/fence.ts';

export interface Glimpse {
  readonly kind: 'Job' | 'Pod';
  readonly type: string;
  /** etcd's revision: exact order, whatever the watch's delay. */
  readonly revision: number;
  readonly name: string;
  readonly uid: string;
  /** A Job: un-suspended. A Pod: some container of it runs. */
  readonly live: boolean;
}

export class Eyes {
  readonly #glimpses = new Map<string, Glimpse[]>();
  readonly #kube: KubeConfig;
  readonly #namespace: string;
  readonly #core: CoreV1Api;
  readonly #batch: BatchV1Api;
  readonly #watches = new Set<AbortController>();
  #closed = false;

  private constructor(kube: KubeConfig, namespace: string) {
    this.#kube = kube;
    this.#namespace = namespace;
    this.#core = kube.makeApiClient(CoreV1Api);
    this.#batch = kube.makeApiClient(BatchV1Api);
  }

  static async open(kube: KubeConfig, namespace: string): Promise<Eyes> {
    const eyes = new Eyes(kube, namespace);
    const pods = await eyes.#core.listNamespacedPod({ namespace });
    const jobs = await eyes.#batch.listNamespacedJob({ namespace });
    await eyes.#watch(`/api/v1/namespaces/${namespace}/pods`, 'Pod', pods.metadata?.resourceVersion ?? '0');
    await eyes.#watch(`/apis/batch/v1/namespaces/${namespace}/jobs`, 'Job', jobs.metadata?.resourceVersion ?? '0');
    return eyes;
  }

  /** Everything seen of a task so far; forgotten with `forget`, or a long sweep grows without end. */
  of(task: string): readonly Glimpse[] {
    return this.#glimpses.get(task) ?? [];
  }

  forget(task: string): void {
    this.#glimpses.delete(task);
  }

  /** The revision of now, and the Pods that are not ended at it: a quorum read, not the watch. */
  async now(task: string): Promise<{ readonly revision: number; readonly livePods: readonly string[] }> {
    const namespace = this.#namespace;
    const list = await this.#core.listNamespacedPod({ namespace, labelSelector: `${LABEL.task}=${task}` });
    const livePods = list.items.filter((pod) => !isTerminal(pod)).map(({ metadata }) => metadata?.name ?? '');
    return { revision: Number(list.metadata?.resourceVersion), livePods };
  }

  close(): void {
    this.#closed = true;
    for (const watch of this.#watches) watch.abort();
  }

  async #watch(path: string, kind: 'Job' | 'Pod', from: string): Promise<void> {
    let resourceVersion = from;
    const watch = new Watch(this.#kube);
    const controller = await watch.watch(
      path,
      { resourceVersion, allowWatchBookmarks: true },
      (type: string, object: V1Job | V1Pod) => {
        resourceVersion = object.metadata?.resourceVersion ?? resourceVersion;
        if (type !== 'BOOKMARK' && type !== 'ERROR') this.#see(kind, type, object);
      },
      () => {
        this.#watches.delete(controller);
        if (!this.#closed) void this.#watch(path, kind, resourceVersion).catch(() => undefined);
      },
    );
    this.#watches.add(controller);
  }

  #see(kind: 'Job' | 'Pod', type: string, object: V1Job | V1Pod): void {
    const { metadata } = object;
    const task = metadata?.labels?.[LABEL.task];
    if (task === undefined) return;
    const live = kind === 'Job' ? (object as V1Job).spec?.suspend === false : hasRunning(object as V1Pod);
    const glimpse = {
      kind,
      type,
      revision: Number(metadata?.resourceVersion),
      name: metadata?.name ?? '',
      uid: metadata?.uid ?? '',
      live: live && type !== 'DELETED',
    };
    const glimpses = this.#glimpses.get(task) ?? [];
    this.#glimpses.set(task, glimpses);
    glimpses.push(glimpse);
  }
}

function hasRunning(pod: V1Pod): boolean {
  return pod.status?.containerStatuses?.some(({ state }) => state?.running !== undefined) ?? false;
}
