/**
 * Brings containers' output into the log store while they run, one stream per container, and keeps at it across
 * broken streams. A collection belongs to the worker process, not to the activity that began it: follow begins it,
 * release waits for its end.
 */
import { isApiError } from '../kubernetes/api-error.ts';
import type { JobsApi } from '../kubernetes/jobs-api.ts';
import { type LogLine, type LogStore, type LogWriter, parseLine, type StoredRun } from './store.ts';

export interface Source {
  readonly run: StoredRun;
  readonly pod: string;
  readonly podUid: string;
  readonly container: string;
  /** Whether the container has ended, as far as the API server knows now. */
  readonly ended: () => Promise<boolean>;
  /** Resolves when something of the run changed, or after `ms`. */
  readonly changed: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Collection {
  /** Resolves when the container has ended and its last line is stored, or the log cannot be had any more. */
  readonly drained: Promise<void>;
}

/** Before a log is asked for again: at first, and at most, while it fails to come and nothing changes. Milliseconds. */
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 60_000;
/** How often a log that should be there may fail to come, once its container has ended. */
const TRIES_AFTER_END = 4;
/** Containers of which it is remembered that their log is stored to its end: follow asks for it, and then release. */
const REMEMBERED = 2_000;
/** Longest line kept in one piece. Characters. */
const LINE_LIMIT = 64 * 1024;

export class Collector {
  readonly #api: JobsApi;
  readonly #store: LogStore;
  readonly #stop = new AbortController();
  readonly #collections = new Map<string, Collection>();
  readonly #complete = new Set<string>();

  constructor(api: JobsApi, store: LogStore) {
    this.#api = api;
    this.#store = store;
  }

  /** Begins to collect, or gives the collection that is already going on for this container. */
  collect(source: Source): Collection {
    const key = `${source.podUid}/${source.container}`;
    const known = this.#collections.get(key);
    if (known !== undefined) return known;
    if (this.#complete.has(key)) return { drained: Promise.resolve() };
    const drained = this.#collect(source, key)
      .catch(() => undefined)
      .finally(() => this.#collections.delete(key));
    const collection = { drained };
    this.#collections.set(key, collection);
    return collection;
  }

  close(): void {
    this.#stop.abort(new Error('the worker stops'));
  }

  #remember(key: string): void {
    this.#complete.add(key);
    for (const oldest of this.#complete) {
      if (this.#complete.size <= REMEMBERED) return;
      this.#complete.delete(oldest);
    }
  }

  async #collect(source: Source, key: string): Promise<void> {
    const writer = await this.#store.openLog(source.run, source.pod, source.container);
    const hasEnded = () => source.ended().catch(() => false);
    let pause = RETRY_MS;
    for (let failures = 0; failures < TRIES_AFTER_END;) {
      const ended = await hasEnded();
      let next = RETRY_MS;
      try {
        await this.#stream(source, writer, !ended);
        if (ended) return this.#remember(key);
      } catch (error) {
        this.#stop.signal.throwIfAborted();
        if (isApiError(error, 'absent')) return;
        if (ended) failures += 1;
        if (failures === TRIES_AFTER_END) await writer.remark(`the log could not be read to its end: ${String(error)}`);
        next = Math.min(pause * 2, LONGEST_RETRY_MS);
      }
      if (!ended && !(await hasEnded())) await source.changed(pause, this.#stop.signal);
      pause = next;
      this.#stop.signal.throwIfAborted();
    }
  }

  async #stream(source: Source, writer: LogWriter, follow: boolean): Promise<void> {
    const { pod, container } = source;
    const since = writer.last;
    const request = { pod, container, follow, ...(since !== '' && { since }) };
    for await (const lines of linesOf(this.#api.readLog(request, this.#stop.signal))) await writer.write(lines);
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
