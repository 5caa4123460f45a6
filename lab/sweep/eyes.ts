/** Sees anchors, Jobs and Pods of a namespace from the API server's own watch: past proxy and product. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchV1Api,
  CoreV1Api,
  type KubeConfig,
  type KubernetesListObject,
  type V1ConfigMap,
  type V1Job,
  type V1ObjectMeta,
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

/** A watch that could not go on where it was: what came and went before it was begun again was not seen. */
export interface Gap {
  readonly kind: Sort;
  /** Since the watch broke off, or since the server was last seen not to listen at all: then nobody could write. */
  readonly ms: number;
}

export interface EyesOptions {
  /** Whatever ends a watch, list and begin again, and note a gap. Default: be blind from then on. */
  readonly beginAgain?: boolean;
}

interface Look {
  readonly path: string;
  readonly list: (kube: KubeConfig) => Promise<KubernetesListObject<Seen>>;
}

/** How each kind is looked at. */
const LOOKS: Readonly<Record<Sort, (namespace: string) => Look>> = {
  ConfigMap: (namespace) => ({
    path: `/api/v1/namespaces/${namespace}/configmaps`,
    list: (kube) => kube.makeApiClient(CoreV1Api).listNamespacedConfigMap({ namespace }),
  }),
  Job: (namespace) => ({
    path: `/apis/batch/v1/namespaces/${namespace}/jobs`,
    list: (kube) => kube.makeApiClient(BatchV1Api).listNamespacedJob({ namespace }),
  }),
  Pod: (namespace) => ({
    path: `/api/v1/namespaces/${namespace}/pods`,
    list: (kube) => kube.makeApiClient(CoreV1Api).listNamespacedPod({ namespace }),
  }),
};

/** Before a watch or a list that failed is asked for again. Milliseconds. */
const PAUSE_MS = 50;

export class Eyes {
  /** What appeared after `forget`. */
  readonly stragglers: Straggler[] = [];
  readonly gaps: Gap[] = [];
  readonly #glimpses = new Map<string, Glimpse[]>();
  /** What is there now, by task and uid. */
  readonly #present = new Map<string, Map<string, Pick<Glimpse, 'kind' | 'name'>>>();
  readonly #judged = new Map<string, { readonly id: string; readonly revision: number }>();
  readonly #waiting = new Map<string, Set<() => void>>();
  /** By kind, since when something may have gone unseen, or did while there was no watch. */
  readonly #darkSince = new Map<Sort, number>();
  readonly #kube: KubeConfig;
  readonly #namespace: string;
  readonly #core: CoreV1Api;
  readonly #beginsAgain: boolean;
  readonly #watches = new Set<AbortController>();
  #closed = false;
  #blind: BlindError | undefined;

  private constructor(kube: KubeConfig, namespace: string, beginsAgain: boolean) {
    this.#kube = kube;
    this.#namespace = namespace;
    this.#core = kube.makeApiClient(CoreV1Api);
    this.#beginsAgain = beginsAgain;
  }

  /** What is there already counts as added. */
  static async open(kube: KubeConfig, namespace: string, { beginAgain = false }: EyesOptions = {}): Promise<Eyes> {
    const eyes = new Eyes(kube, namespace, beginAgain);
    for (const kind of ['Job', 'ConfigMap', 'Pod'] as const) await eyes.#look(kind);
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
    return [...(this.#present.get(task)?.values() ?? [])].map(({ name }) => name);
  }

  /** Resolves when it holds; asked at once, and whenever something of the task is seen. */
  when(task: string, holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = getOrMake(this.#waiting, task, () => new Set<() => void>());
    const ask = () => {
      if (!holds()) return;
      waiting.delete(ask);
      resolve();
    };
    waiting.add(ask);
    return promise;
  }

  /** The task has been judged as the case of this id: what appears of it from now on, or after `revision`, is a straggler. */
  forget(task: string, id: string, revision = 0): void {
    this.#glimpses.delete(task);
    this.#present.delete(task);
    this.#waiting.delete(task);
    this.#judged.set(task, { id, revision });
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

  /** Tells how what is there differs from what was known, and watches from there on. */
  async #look(kind: Sort): Promise<void> {
    const { items, metadata } = await LOOKS[kind](this.#namespace).list(this.#kube);
    const resourceVersion = metadata?.resourceVersion ?? '0';
    const known = this.#known(kind);
    const listed = new Set(items.map((object) => object.metadata?.uid));
    for (const [uid, object] of known) {
      if (!listed.has(uid)) this.#see(kind, 'DELETED', { metadata: { ...object, resourceVersion } });
    }
    for (const object of items) this.#see(kind, known.has(object.metadata?.uid ?? '') ? 'MODIFIED' : 'ADDED', object);
    await this.#watch(kind, resourceVersion);
  }

  /** What was seen of a kind and not seen to go, by uid. */
  #known(kind: Sort): ReadonlyMap<string, V1ObjectMeta> {
    const known = [...this.#present].flatMap(([task, objects]) =>
      [...objects]
        .filter(([, object]) => object.kind === kind)
        .map(([uid, { name }]): [string, V1ObjectMeta] => [uid, { uid, name, labels: { [LABEL.task]: task } }]),
    );
    return new Map(known);
  }

  async #watch(kind: Sort, from: string): Promise<void> {
    let resourceVersion = from;
    // In a namespace that is quiet while its cluster is busy, our version may be forgotten if we ask again before a
    // bookmark has come, which is once a minute.
    const watch = patientWatch(this.#kube);
    let controller: AbortController | undefined;
    let refused: string | undefined;
    controller = await watch.watch(
      LOOKS[kind](this.#namespace).path,
      { resourceVersion, allowWatchBookmarks: true },
      (type: string, object: Seen) => {
        if (type === 'ERROR') return void (refused = JSON.stringify(object));
        resourceVersion = object.metadata?.resourceVersion ?? resourceVersion;
        if (type !== 'BOOKMARK') this.#see(kind, type, object);
      },
      (error: unknown) => {
        if (controller !== undefined) this.#watches.delete(controller);
        // It was open if there is a controller.
        this.#goDark(kind, error, controller !== undefined);
        void this.#goOn(kind, resourceVersion, error, refused ?? (isRefused(error) ? String(error) : undefined));
      },
    );
    this.#watches.add(controller);
  }

  async #goOn(kind: Sort, resourceVersion: string, error: unknown, refused: string | undefined): Promise<void> {
    if (refused !== undefined && !this.#beginsAgain)
      this.#blind ??= new BlindError(`the watch of ${kind}s broke off: ${refused}`);
    if (error !== null) await sleep(PAUSE_MS);
    if (this.#closed || this.#blind !== undefined) return;
    if (refused === undefined) return this.#watch(kind, resourceVersion);
    try {
      await this.#look(kind);
      this.gaps.push({ kind, ms: Date.now() - (this.#darkSince.get(kind) ?? Date.now()) });
    } catch (failure) {
      this.#goDark(kind, failure, false);
      await this.#goOn(kind, resourceVersion, failure, refused);
    }
  }

  #goDark(kind: Sort, error: unknown, wasOpen: boolean): void {
    if (wasOpen || isUnheard(error) || !this.#darkSince.has(kind)) this.#darkSince.set(kind, Date.now());
  }

  #see(kind: Sort, type: string, object: Seen): void {
    const { metadata } = object;
    const task = metadata?.labels?.[LABEL.task];
    if (task === undefined) return;
    const name = metadata?.name ?? '';
    const uid = metadata?.uid ?? '';
    const live = type !== 'DELETED' && isLive(kind, object);
    const glimpse = { kind, type, revision: Number(metadata?.resourceVersion), name, uid, live };
    const judged = this.#judged.get(task);
    if (judged !== undefined) {
      const { id, revision } = judged;
      if ((type === 'ADDED' || live) && glimpse.revision > revision) this.stragglers.push({ id, glimpse });
      return;
    }
    const present = getOrMake(this.#present, task, () => new Map<string, Pick<Glimpse, 'kind' | 'name'>>());
    if (type === 'DELETED') present.delete(uid);
    else present.set(uid, { kind, name });
    getOrMake(this.#glimpses, task, (): Glimpse[] => []).push(glimpse);
    for (const ask of this.#waiting.get(task) ?? []) ask();
  }
}

/** Asking again is in vain: 410, the version that we go on from is forgotten; 401, 403, 404, who or what is asked for. */
function isRefused(error: unknown): boolean {
  const { statusCode = 0 } = (error ?? {}) as { readonly statusCode?: number };
  return statusCode >= 400 && statusCode < 500 && statusCode !== 429;
}

/** Nobody listens: no other can have been heard, either. */
function isUnheard(error: unknown): boolean {
  const { cause } = (error ?? {}) as { readonly cause?: { readonly code?: string } };
  return cause?.code === 'ECONNREFUSED';
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
