/**
 * Brings containers' output into the log store while they run, one stream per container, and keeps at it across
 * broken streams. A collection belongs to the worker process, not to the activity that began it: follow begins it,
 * release waits for its end.
 */
import type { JobsApi } from '../kubernetes/jobs-api.ts';
import { type LogLine, type LogStore, type LogWriter, parseLine, type StoredRun } from './store.ts';

export interface Source {
  readonly run: StoredRun;
  readonly pod: string;
  readonly podUid: string;
  readonly container: string;
  /** Whether the container has ended, as far as the API server knows now. */
  readonly ended: () => Promise<boolean>;
  /** Whether the Pod is no more, and its log with it: a node that restarts says the same of a Pod that it has yet to see. */
  readonly gone: () => Promise<boolean>;
  /** Resolves when something of the run changed, or after `ms`. */
  readonly changed: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Collection {
  /**
   * Resolves when the container has ended and its last line is stored, or the log cannot be had any more; false if it could
   * not be had yet: whoever asks again begins anew.
   */
  readonly drained: Promise<boolean>;
}

/** Before a log is asked for again: at first, and at most, while it fails to come and nothing changes. Milliseconds. */
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 60_000;
/** The same at most, while streams end in good order and bring nothing, though the container is not known to have ended. Milliseconds. */
const LONGEST_QUIET_MS = 4_000;
/** How often a log that should be there may fail to come, once its container has ended. */
const TRIES_AFTER_END = 4;
/** Containers of which it is remembered that their log is stored to its end, as follow and then release ask, or that it is said not to be. */
const REMEMBERED = 2_000;
/** Longest line kept in one piece. Characters. */
const LINE_LIMIT = 64 * 1024;

export class Collector {
  readonly #api: JobsApi;
  readonly #store: LogStore;
  readonly #onLost: (source: Source, error: unknown) => void;
  readonly #stop = new AbortController();
  readonly #collections = new Map<string, Collection>();
  readonly #complete = new Set<string>();
  readonly #remarked = new Set<string>();
  readonly #lost = new Set<string>();

  /** `onLost` is told of output that could not be stored. */
  constructor(api: JobsApi, store: LogStore, onLost: (source: Source, error: unknown) => void = () => undefined) {
    this.#api = api;
    this.#store = store;
    this.#onLost = onLost;
  }

  /** Begins to collect, or gives the collection that is already going on for this container. */
  collect(source: Source): Collection {
    const key = keyOf(source);
    const known = this.#collections.get(key);
    if (known !== undefined) return known;
    if (this.#complete.has(key)) return { drained: Promise.resolve(true) };
    const drained = this.#collect(source, key)
      .catch((error: unknown) => {
        this.#tellLost(source, error);
        return false;
      })
      .finally(() => this.#collections.delete(key));
    const collection = { drained };
    this.#collections.set(key, collection);
    return collection;
  }

  close(): void {
    this.#stop.abort(new Error('the worker stops'));
  }

  async #collect(source: Source, key: string): Promise<boolean> {
    const writer = await this.#store.openLog(source.run, source.pod, source.container);
    const hasEnded = () => source.ended().catch(() => false);
    let pause = RETRY_MS;
    for (let failures = 0, hadEnded = false; ;) {
      const ended = await hasEnded();
      const since = writer.last;
      const why = await this.#stream(source, writer, !ended).then(() => undefined, String);
      this.#stop.signal.throwIfAborted();
      if (why === undefined && ended) {
        remember(this.#complete, key);
        return true;
      }
      if (why !== undefined && (await source.gone().catch(() => false))) return true;
      if (why !== undefined && ended && (failures += 1) === TRIES_AFTER_END) {
        if (!this.#remarked.has(key)) await writer.remark(`the log could not be read to its end: ${why}`);
        remember(this.#remarked, key);
        return false;
      }
      if (ended && !hadEnded) [hadEnded, pause] = [true, RETRY_MS];
      const longest = why === undefined ? LONGEST_QUIET_MS : LONGEST_RETRY_MS;
      pause = why === undefined && writer.last !== since ? RETRY_MS : Math.min(pause, longest);
      // A way to the node that is broken is not mended by asking at once. A stream that ends in good order is at the end of its
      // container, of which the watch will tell, or was cut.
      if (why === undefined) await this.#untilEnded(source, hasEnded, pause);
      else await source.changed(pause, this.#stop.signal);
      this.#stop.signal.throwIfAborted();
      pause = Math.min(pause * 2, longest);
    }
  }

  async #untilEnded(source: Source, hasEnded: () => Promise<boolean>, ms: number): Promise<void> {
    for (let [until, left] = [Date.now() + ms, ms]; left > 0 && !(await hasEnded()); left = until - Date.now()) {
      await source.changed(left, this.#stop.signal);
      this.#stop.signal.throwIfAborted();
    }
  }

  async #stream(source: Source, writer: LogWriter, follow: boolean): Promise<void> {
    const { pod, container } = source;
    const since = writer.last;
    const request = { pod, container, follow, ...(since !== '' && { since }) };
    for await (const lines of linesOf(this.#api.readLog(request, this.#stop.signal)))
      await writer.write(lines).catch((error: unknown) => {
        this.#tellLost(source, error);
        throw error;
      });
  }

  /** Once for each container, though it is tried again. */
  #tellLost(source: Source, error: unknown): void {
    const key = keyOf(source);
    if (this.#stop.signal.aborted || this.#lost.has(key)) return;
    remember(this.#lost, key);
    this.#onLost(source, error);
  }
}

const keyOf = ({ podUid, container }: Source): string => `${podUid}/${container}`;

function remember(keys: Set<string>, key: string): void {
  keys.add(key);
  for (const oldest of keys) {
    if (keys.size <= REMEMBERED) return;
    keys.delete(oldest);
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly LogLine[]> {
  const decoder = new TextDecoder();
  let rest = '';
  let dropping = false;
  for await (const chunk of chunks) {
    const rows = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = rows.pop() ?? '';
    if (dropping && rows.length > 0) {
      rows.shift();
      dropping = false;
    }
    if (dropping) rest = '';
    if (rest.length > LINE_LIMIT) {
      rows.push(rest);
      rest = '';
      dropping = true;
    }
    yield rows.flatMap((row) => parseLine(cut(row)) ?? []);
  }
  const last = parseLine(rest);
  if (last !== undefined) yield [last];
}

function cut(row: string): string {
  if (row.length <= LINE_LIMIT) return row;
  return `${row.slice(0, LINE_LIMIT)} [holdfast] line cut here at ${LINE_LIMIT} characters`;
}
