/** Sees anchors, Jobs and Pods of a namespace from the API server's own watch: past proxy and product. */
import {
  BatchV1Api,
  CoreV1Api,
  type KubeConfig,
  type KubernetesListObject,
  type V1ConfigMap,
  type V1Job,
  type V1Pod,
} from '@kubernetes/client-node';
import { isTerminal, LABEL } from '../../src/fence.ts';
import { patientWatch } from '../stage/patient-watch.ts';

export type Sort = 'ConfigMap' | 'Job' | 'Pod';

type Seen = V1ConfigMap | V1Job | V1Pod;

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
  /** Of the case as which the task was judged. */
  readonly id: string;
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
  /** What each judged task was judged as. */
  readonly #judged = new Map<string, string>();
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

  /** What is there already counts as added. */
  static async open(kube: KubeConfig, namespace: string): Promise<Eyes> {
    const eyes = new Eyes(kube, namespace);
    const [core, batch] = [`/api/v1/namespaces/${namespace}`, `/apis/batch/v1/namespaces/${namespace}`];
    const jobs = await kube.makeApiClient(BatchV1Api).listNamespacedJob({ namespace });
    await eyes.#look(`${core}/configmaps`, 'ConfigMap', await eyes.#core.listNamespacedConfigMap({ namespace }));
    await eyes.#look(`${batch}/jobs`, 'Job', jobs);
    await eyes.#look(`${core}/pods`, 'Pod', await eyes.#core.listNamespacedPod({ namespace }));
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

  /** The task has been judged as the case of this id: what appears of it from now on is a straggler. */
  forget(task: string, id: string): void {
    this.#glimpses.delete(task);
    this.#present.delete(task);
    this.#judged.set(task, id);
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

  async #look(path: string, kind: Sort, { items, metadata }: KubernetesListObject<Seen>): Promise<void> {
    for (const object of items) this.#see(kind, 'ADDED', object);
    await this.#watch(path, kind, metadata?.resourceVersion ?? '0');
  }

  async #watch(path: string, kind: Sort, from: string): Promise<void> {
    let resourceVersion = from;
    // In a namespace that is quiet while its cluster is busy, our version may be forgotten if we ask again before a
    // bookmark has come, which is once a minute.
    const watch = patientWatch(this.#kube);
    let controller: AbortController | undefined;
    controller = await watch.watch(
      path,
      { resourceVersion, allowWatchBookmarks: true },
      (type: string, object: Seen) => {
        if (type === 'ERROR') return this.#goBlind(kind, JSON.stringify(object));
        resourceVersion = object.metadata?.resourceVersion ?? resourceVersion;
        if (type !== 'BOOKMARK') this.#see(kind, type, object);
      },
      (error: unknown) => {
        if (controller !== undefined) this.#watches.delete(controller);
        if (isRefused(error)) this.#goBlind(kind, String(error));
        if (this.#closed || this.#blind !== undefined) return;
        const pause = error === null ? 0 : 200;
        setTimeout(() => void this.#watch(path, kind, resourceVersion), pause);
      },
    );
    this.#watches.add(controller);
  }

  /** Whoever may have missed something must not judge. */
  #goBlind(kind: Sort, why: string): void {
    this.#blind ??= new BlindError(`the watch of ${kind}s broke off: ${why}`);
  }

  #see(kind: Sort, type: string, object: Seen): void {
    const { metadata } = object;
    const task = metadata?.labels?.[LABEL.task];
    if (task === undefined) return;
    const name = metadata?.name ?? '';
    const uid = metadata?.uid ?? '';
    const live = type !== 'DELETED' && isLive(kind, object);
    const glimpse = { kind, type, revision: Number(metadata?.resourceVersion), name, uid, live };
    const id = this.#judged.get(task);
    if (id !== undefined) {
      if (type === 'ADDED' || live) this.stragglers.push({ id, glimpse });
      return;
    }
    const present = getOrMake(this.#present, task, () => new Map<string, string>());
    if (type === 'DELETED') present.delete(uid);
    else present.set(uid, name);
    if (kind !== 'ConfigMap') getOrMake(this.#glimpses, task, (): Glimpse[] => []).push(glimpse);
  }
}

/** Asking again is in vain: 410, the version that we go on from is forgotten; 401, 403, 404, who or what is asked for. */
function isRefused(error: unknown): boolean {
  const { statusCode = 0 } = (error ?? {}) as { readonly statusCode?: number };
  return statusCode >= 400 && statusCode < 500 && statusCode !== 429;
}

function isLive(kind: Sort, object: Seen): boolean {
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
