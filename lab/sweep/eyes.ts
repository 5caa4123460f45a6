/** Sees anchors, Jobs and Pods of a namespace from the API server's own watch: past proxy and product. */
import { CoreV1Api, type KubeConfig, type V1ConfigMap, type V1Job, type V1Pod, Watch } from '@kubernetes/client-node';
import { isTerminal, LABEL } from '../../src/fence.ts';

export type Sort = 'ConfigMap' | 'Job' | 'Pod';

export interface Glimpse {
  readonly kind: Sort;
  readonly type: string;
  /** etcd's revision: exact order, whatever the watch's delay. */
  readonly revision: number;
  readonly name: string;
  readonly uid: string;
  /** A Job: un-suspended. A Pod: some container of it runs. An anchor: never. */
  readonly live: boolean;
}

/** Something that appeared of a task which had been judged already: nothing may. */
export interface Straggler {
  readonly task: string;
  readonly glimpse: Glimpse;
}

/** Something may have been missed: nobody who looks with these eyes may judge any more. */
export class BlindError extends Error {
  override readonly name = 'BlindError';
}

export class Eyes {
  /** What appeared after `forget`. */
  readonly stragglers: Straggler[] = [];
  readonly #glimpses = new Map<string, Glimpse[]>();
  /** Names by uid of what is there now, by task. */
  readonly #present = new Map<string, Map<string, string>>();
  readonly #judged = new Set<string>();
  readonly #kube: KubeConfig;
  readonly #namespace: string;
  readonly #core: CoreV1Api;
  readonly #watches = new Set<AbortController>();
  #closed = false;
  #blind: BlindError | undefined;

  private constructor(kube: KubeConfig, namespace: string) {
    this.#kube = kube;
    this.#namespace = namespace;
    this.#core = kube.makeApiClient(CoreV1Api);
  }

  static async open(kube: KubeConfig, namespace: string): Promise<Eyes> {
    const eyes = new Eyes(kube, namespace);
    const anchors = await eyes.#core.listNamespacedConfigMap({ namespace });
    const from = anchors.metadata?.resourceVersion ?? '0';
    await eyes.#watch(`/api/v1/namespaces/${namespace}/configmaps`, 'ConfigMap', from);
    await eyes.#watch(`/apis/batch/v1/namespaces/${namespace}/jobs`, 'Job', from);
    await eyes.#watch(`/api/v1/namespaces/${namespace}/pods`, 'Pod', from);
    return eyes;
  }

  /** Everything seen of a task so far; forgotten with `forget`, or a long sweep grows without end. */
  of(task: string): readonly Glimpse[] {
    return this.#glimpses.get(task) ?? [];
  }

  /** @throws BlindError */
  check(): void {
    if (this.#blind !== undefined) throw this.#blind;
  }

  /** Names of what there is of a task, as far as the watch has come. */
  present(task: string): readonly string[] {
    return [...(this.#present.get(task)?.values() ?? [])];
  }

  /** The task has been judged: what appears of it from now on is a straggler. */
  forget(task: string): void {
    this.#glimpses.delete(task);
    this.#present.delete(task);
    this.#judged.add(task);
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

  async #watch(path: string, kind: Sort, from: string): Promise<void> {
    let resourceVersion = from;
    const watch = new Watch(this.#kube);
    // The default ends a watch that is quiet for 30 s, before any bookmark, and what it then asks for may be too old.
    Object.assign(watch, { requestTimeoutMs: 600_000 });
    let controller: AbortController | undefined;
    controller = await watch.watch(
      path,
      { resourceVersion, allowWatchBookmarks: true },
      (type: string, object: V1ConfigMap | V1Job | V1Pod) => {
        // Whoever may have missed something must not judge.
        if (type === 'ERROR')
          this.#blind = new BlindError(`the watch of ${kind}s broke off: ${JSON.stringify(object)}`);
        if (type === 'ERROR') return;
        resourceVersion = object.metadata?.resourceVersion ?? resourceVersion;
        if (type !== 'BOOKMARK') this.#see(kind, type, object);
      },
      (error: unknown) => {
        if (controller !== undefined) this.#watches.delete(controller);
        if (this.#closed || this.#blind !== undefined) return;
        const pause = error === null ? 0 : 200;
        setTimeout(() => void this.#watch(path, kind, resourceVersion), pause);
      },
    );
    this.#watches.add(controller);
  }

  #see(kind: Sort, type: string, object: V1ConfigMap | V1Job | V1Pod): void {
    const { metadata } = object;
    const task = metadata?.labels?.[LABEL.task];
    if (task === undefined) return;
    const name = metadata?.name ?? '';
    const uid = metadata?.uid ?? '';
    const live = type !== 'DELETED' && isLive(kind, object);
    const glimpse = { kind, type, revision: Number(metadata?.resourceVersion), name, uid, live };
    if (this.#judged.has(task)) {
      if (type === 'ADDED' || live) this.stragglers.push({ task, glimpse });
      return;
    }
    const present = getOrMake(this.#present, task, () => new Map<string, string>());
    if (type === 'DELETED') present.delete(uid);
    else present.set(uid, name);
    if (kind !== 'ConfigMap') getOrMake(this.#glimpses, task, (): Glimpse[] => []).push(glimpse);
  }
}

function isLive(kind: Sort, object: V1ConfigMap | V1Job | V1Pod): boolean {
  if (kind === 'ConfigMap') return false;
  return kind === 'Job' ? (object as V1Job).spec?.suspend === false : hasRunning(object as V1Pod);
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

function hasRunning(pod: V1Pod): boolean {
  return pod.status?.containerStatuses?.some(({ state }) => state?.running !== undefined) ?? false;
}
