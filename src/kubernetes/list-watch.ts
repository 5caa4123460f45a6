/**
 * The objects of one kind as the API server has them: listed, then watched from that version on. Whatever ends a watch
 * otherwise than in peace (410, an error as an event, a lost connection, a server that was set back and does not know
 * our version), they are listed again, and what differs is told: nothing is missed, and no version is asked for twice
 * in vain. The client's own informer does not list again after most of these, and an error while it asks for
 * credentials ends the process (client-node 2.0.1).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeConfig, type KubernetesListObject, type KubernetesObject, Watch } from '@kubernetes/client-node';

export interface Timing {
  /** How long a list may take. Milliseconds. */
  readonly deadlineMs: number;
  /** A watch from which nothing has come for so long is asked for again: its connection may be dead. Milliseconds. */
  readonly quietMs: number;
  /** Between two lists, and at least between the beginnings of two watches. Milliseconds. */
  readonly pauseMs: number;
}

export interface Listing<T extends KubernetesObject> {
  readonly path: string;
  readonly labelSelector: string;
  /** A page of all, the first or the one that the page before says comes next. */
  readonly list: (signal: AbortSignal, page: string | undefined) => Promise<KubernetesListObject<T>>;
  /** What is kept of an object. */
  readonly slim?: (object: T) => T;
  /** Objects are found by this. */
  readonly keyOf: (object: KubernetesObject) => string;
  /** Something of this key came, changed or went. */
  readonly changed: (key: string) => void;
  /** The last that was seen of an object that is no more: in a watch it is the last there was. */
  readonly gone?: (object: T) => void;
  /** A watch is open. */
  readonly watching?: () => void;
  /** Not called for a watch that ended in peace. */
  readonly failed: (error: unknown) => void;
}

type ByUid<T> = Map<string, T>;

export class ListWatch<T extends KubernetesObject> {
  readonly #listing: Listing<T>;
  readonly #timing: Timing;
  readonly #watch: Watch;
  readonly #stop = new AbortController();
  readonly #objects = new Map<string, ByUid<T>>();

  constructor(config: KubeConfig, listing: Listing<T>, timing: Timing) {
    this.#listing = listing;
    this.#timing = timing;
    this.#watch = new Watch(config);
    // Private in its type; there is no other way to set it.
    Object.assign(this.#watch, { requestTimeoutMs: timing.quietMs });
  }

  /** Resolves when the first list was answered, or failed; from then on it goes on by itself. */
  async start(): Promise<void> {
    const version = await this.#list();
    void this.#keep(version);
  }

  stop(): void {
    this.#stop.abort();
  }

  of(key: string): readonly T[] {
    return [...(this.#objects.get(key)?.values() ?? [])];
  }

  async #keep(first: string | undefined): Promise<void> {
    for (let version = first; !this.#stop.signal.aborted;) {
      const paused = sleep(this.#timing.pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      version = version === undefined ? await this.#list() : await this.#follow(version);
      await paused;
    }
  }

  /** The version of the list; undefined if there was none. */
  async #list(): Promise<string | undefined> {
    try {
      const deadline = AbortSignal.timeout(this.#timing.deadlineMs);
      const { items, version } = await this.#pages(AbortSignal.any([this.#stop.signal, deadline]));
      this.#replace(items);
      return version;
    } catch (error) {
      return this.#tell(error);
    }
  }

  /** Slimmed page by page: what thousands of whole objects take while they are parsed, a process does not give back soon. */
  async #pages(signal: AbortSignal): Promise<{ items: readonly T[]; version: string | undefined }> {
    const kept: T[] = [];
    for (let page: string | undefined; ;) {
      const { items, metadata } = await this.#listing.list(signal, page);
      for (const object of items) kept.push(this.#slim(object));
      page = metadata?._continue;
      if (page === undefined || page === '') return { items: kept, version: metadata?.resourceVersion };
    }
  }

  #slim(object: T): T {
    return this.#listing.slim?.(object) ?? object;
  }

  /** The version to go on from, if the watch ended in peace; undefined if everything must be listed again. */
  async #follow(version: string): Promise<string | undefined> {
    try {
      return await this.#stream(version);
    } catch (error) {
      return this.#tell(error);
    }
  }

  #tell(error: unknown): undefined {
    if (!this.#stop.signal.aborted) this.#listing.failed(error);
    return undefined;
  }

  async #stream(version: string): Promise<string> {
    const { path, labelSelector } = this.#listing;
    const { promise: ended, resolve, reject } = Promise.withResolvers<string>();
    // It may have ended before anybody waits for it.
    ended.catch(() => undefined);
    let last = version;
    let [isOver, isDone] = [false, false];
    const see = (type: string, object: T) => {
      if (isOver) return;
      if (type === 'ERROR') return reject(new Error(`the watch was ended with ${JSON.stringify(object)}`));
      last = object.metadata?.resourceVersion ?? last;
      if (type === 'DELETED') this.#drop(object);
      else if (type !== 'BOOKMARK') this.#keepObject(this.#slim(object));
    };
    const done = (error: unknown) => {
      isDone = true;
      return isQuiet(error) ? resolve(last) : reject(error);
    };
    const stop = () => resolve(last);
    this.#stop.signal.addEventListener('abort', stop, { once: true });
    const query = { resourceVersion: version, labelSelector, allowWatchBookmarks: true };
    try {
      const connection = await this.#watch.watch(path, query, see, done);
      if (!isDone) this.#listing.watching?.();
      return await ended.finally(() => connection.abort());
    } finally {
      isOver = true;
      this.#stop.signal.removeEventListener('abort', stop);
    }
  }

  #replace(items: readonly T[]): void {
    const listed = new Set(items.map(uidOf));
    const known = [...this.#objects.values()].flatMap((objects) => [...objects.values()]);
    for (const object of known) if (!listed.has(uidOf(object))) this.#drop(object);
    for (const object of items) this.#keepObject(object);
  }

  #keepObject(object: T): void {
    const key = this.#listing.keyOf(object);
    const objects: ByUid<T> = this.#objects.get(key) ?? new Map();
    const known = objects.get(uidOf(object));
    if (known !== undefined && known.metadata?.resourceVersion === object.metadata?.resourceVersion) return;
    this.#objects.set(key, objects.set(uidOf(object), object));
    this.#listing.changed(key);
  }

  #drop(object: T): void {
    const key = this.#listing.keyOf(object);
    const objects = this.#objects.get(key);
    if (objects?.delete(uidOf(object)) !== true) return;
    if (objects.size === 0) this.#objects.delete(key);
    this.#listing.gone?.(object);
    this.#listing.changed(key);
  }
}

function uidOf(object: KubernetesObject): string {
  return object.metadata?.uid ?? '';
}

/** The server closed it, as it does after some minutes, or nothing had come for `quietMs`. */
function isQuiet(error: unknown): boolean {
  return error === null || error === undefined || (error instanceof DOMException && error.name === 'TimeoutError');
}
