/**
 * Where output stays when Pods are gone: a folder per run, a file per container, each line behind its timestamp.
 *
 *     <root>/<task>/<run>/task.json          which task this is, and since when
 *     <root>/<task>/<run>/<pod>.<container>.log
 *     <root>/<task>/<run>/events.log         what Kubernetes said of the Job and its Pods
 *     <root>/<task>/<run>/results.jsonl      rows of a workload that has them
 *
 * Two writers of one file do no harm: lines of one container have ascending timestamps, and the reader skips what it
 * has had.
 */
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, open, readdir, readFile, rm, rmdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../contract.ts';

export interface StoredRun {
  /** fence.taskLabel: all runs of one task. */
  readonly task: string;
  /** fence.runName. */
  readonly run: string;
}

export interface LogLine {
  /** RFC 3339 with nanoseconds, as the node wrote it. */
  readonly time: string;
  readonly text: string;
}

export const EVENTS_FILE = 'events.log';
const RESULTS_FILE = 'results.jsonl';
const ABOUT_FILE = 'task.json';

export class LogStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  folder(run: StoredRun): string {
    return join(this.#root, run.task, run.run);
  }

  /** Says once which task the folder is of; a second call changes nothing. */
  async introduce(run: StoredRun, about: { taskId: string; runId: string; at: string }): Promise<void> {
    await mkdir(this.folder(run), { recursive: true });
    await writeFile(join(this.folder(run), ABOUT_FILE), `${JSON.stringify(about)}\n`, { flag: 'wx' }).catch(
      ignoreExists,
    );
  }

  async openLog(run: StoredRun, pod: string, container: string): Promise<LogWriter> {
    await mkdir(this.folder(run), { recursive: true });
    return LogWriter.resume(join(this.folder(run), logFile(pod, container)));
  }

  async writeEvents(run: StoredRun, lines: readonly LogLine[]): Promise<void> {
    await mkdir(this.folder(run), { recursive: true });
    await writeFile(join(this.folder(run), EVENTS_FILE), lines.map(toRow).join(''));
  }

  async writeResults(run: StoredRun, rows: readonly unknown[]): Promise<void> {
    await mkdir(this.folder(run), { recursive: true });
    await writeFile(join(this.folder(run), RESULTS_FILE), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }

  /** Whatever has output here, by fence.taskLabel. */
  async tasks(): Promise<readonly string[]> {
    return readdir(this.#root).catch(() => []);
  }

  /** Undefined if the folder does not say whose it is. */
  async taskIdOf(run: StoredRun): Promise<string | undefined> {
    return (await this.#aboutOf(run)).taskId;
  }

  /** When something of a run was last written. Milliseconds since 1970; Infinity if that cannot be told. */
  async writtenAt(run: StoredRun): Promise<number> {
    const folder = this.folder(run);
    try {
      const paths = [folder, ...(await readdir(folder)).map((name) => join(folder, name))];
      return Math.max(...(await Promise.all(paths.map(async (path) => (await stat(path)).mtimeMs))));
    } catch {
      return Infinity;
    }
  }

  /** With the task's folder, if nothing else is in it. */
  async remove(run: StoredRun): Promise<void> {
    await rm(this.folder(run), { recursive: true, force: true });
    await rmdir(join(this.#root, run.task)).catch(ignoreNotEmpty);
  }

  /** The runs of a task that have output here, oldest first. */
  async runsOf(task: string): Promise<readonly StoredRun[]> {
    const names = await readdir(join(this.#root, task)).catch(() => []);
    const known = await Promise.all(
      names.map(async (run) => ({ task, run, since: (await this.#aboutOf({ task, run })).at ?? '' })),
    );
    return known.toSorted((a, b) => (a.since < b.since ? -1 : 1)).map(({ run }) => ({ task, run }));
  }

  /** Containers' files of a run; without any, its events: a task that never started has those. */
  async filesOf(run: StoredRun, withEvents = true): Promise<readonly string[]> {
    const names = await readdir(this.folder(run)).catch(() => []);
    const logs = names.filter((name) => name.endsWith('.log') && name !== EVENTS_FILE).toSorted();
    return logs.length > 0 || !withEvents ? logs : names.filter((name) => name === EVENTS_FILE);
  }

  /** How much is there of a run: it grows with every line. */
  async bytesOf(run: StoredRun): Promise<number> {
    const files = await this.filesOf(run);
    const sizes = files.map(
      async (file) => (await stat(join(this.folder(run), file)).catch(() => undefined))?.size ?? 0,
    );
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }

  async *lines(run: StoredRun, file: string, from = 0): AsyncGenerator<LogLine & { readonly end: number }> {
    yield* readLines(join(this.folder(run), file), from);
  }

  async #aboutOf(run: StoredRun): Promise<{ readonly taskId?: string; readonly at?: string }> {
    try {
      return JSON.parse(await readFile(join(this.folder(run), ABOUT_FILE), 'utf8')) as { taskId?: string; at?: string };
    } catch {
      return {};
    }
  }
}

export function logFile(pod: string, container: string): string {
  return `${pod}.${container}.log`;
}

const NEWLINE = 0x0a;
const REMARK = '[holdfast]';
const CUT = `${REMARK} cut here: the log store keeps ${LIMITS.logBytes} bytes per container`;

interface Extent {
  /** Timestamp of the newest line. */
  readonly last: string;
  readonly size: number;
  readonly cut: boolean;
}

/** Appends lines to one container's file, from where an earlier writer stopped, up to the limit. */
export class LogWriter {
  readonly #path: string;
  #extent: Extent;
  /** An append failed, on a full disk perhaps, and may have left a part. */
  #isTorn = false;

  private constructor(path: string, extent: Extent) {
    this.#path = path;
    this.#extent = extent;
  }

  static async resume(path: string): Promise<LogWriter> {
    return new LogWriter(path, await mended(path));
  }

  /** Timestamp of the newest line that is in the file; empty if there is none. */
  get last(): string {
    return this.#extent.last;
  }

  /** Takes the lines that are new. What exceeds the limit is cut, and the file says so. After a failure they may come again. */
  async write(lines: readonly LogLine[]): Promise<void> {
    await this.#mend();
    let { last, size, cut } = this.#extent;
    let rows = '';
    for (const line of lines) {
      if (line.time <= last) continue;
      last = line.time;
      if (cut) continue;
      const row = toRow(line);
      size += Buffer.byteLength(row);
      cut = size >= LIMITS.logBytes;
      rows += cut ? toRow({ time: line.time, text: CUT }) : row;
    }
    if (rows !== '') await this.#append(rows);
    this.#extent = { last, size, cut };
  }

  /**
   * A line of ours, in brackets: what a reader of the log should know about the log. Its time is never later than the
   * last line's, or what comes when the log can be read after all would count as had.
   */
  async remark(text: string): Promise<void> {
    await this.#mend();
    const time = this.last === '' ? new Date(0).toISOString() : this.last;
    await this.#append(toRow({ time, text: `${REMARK} ${text}` }));
  }

  async #append(rows: string): Promise<void> {
    this.#isTorn = true;
    await appendFile(this.#path, rows);
    this.#isTorn = false;
  }

  async #mend(): Promise<void> {
    if (!this.#isTorn) return;
    this.#extent = await mended(this.#path);
    this.#isTorn = false;
  }
}

/** What is in the file, which is made if there is none. Half a last line goes, and comes again whole: it would join the next one. */
async function mended(path: string): Promise<Extent> {
  let [last, size, cut] = ['', 0, false];
  if (await isNew(path)) return { last, size, cut };
  for (;;) {
    for await (const { row, end } of readRows(path, size)) {
      size = end;
      const line = parseLine(row);
      if (line === undefined) continue;
      if (line.time > last) last = line.time;
      cut ||= line.text === CUT;
    }
    if ((await stat(path)).size > size) {
      // Another writer may have gone on meanwhile: its lines are no halves.
      if ((await readFile(path)).includes(NEWLINE, size)) continue;
      await truncate(path, size);
    }
    return { last, size, cut };
  }
}

/** Makes the file, if there is none. */
async function isNew(path: string): Promise<boolean> {
  const made = await open(path, 'ax').catch(ignoreExists);
  await made?.close();
  return made !== undefined;
}

async function* readLines(path: string, from: number): AsyncGenerator<LogLine & { readonly end: number }> {
  let last = '';
  for await (const { row, end } of readRows(path, from)) {
    const line = parseLine(row);
    if (line === undefined || line.time < last) continue;
    if (line.time === last && !line.text.startsWith(REMARK)) continue;
    last = line.time;
    yield { ...line, end };
  }
}

/**
 * Rows that are whole; a half-written last one is read when it is. Split at newlines alone, unlike readline: output has
 * carriage returns (progress bars) and Unicode's line ends, and they are text.
 */
async function* readRows(path: string, from: number): AsyncGenerator<{ readonly row: string; readonly end: number }> {
  if ((await stat(path).catch(() => undefined)) === undefined) return;
  let rest = Buffer.alloc(0);
  let end = from;
  for await (const chunk of createReadStream(path, { start: from }) as AsyncIterable<Buffer>) {
    let begin = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, begin)) {
      const row = Buffer.concat([rest, chunk.subarray(begin, at)]);
      [rest, begin, end] = [Buffer.alloc(0), at + 1, end + row.length + 1];
      yield { row: row.toString(), end };
    }
    rest = Buffer.concat([rest, chunk.subarray(begin)]);
  }
}

/** `2026-11-22T06:00:00.000000001Z text`, as the API server gives it with `timestamps=true`. */
export function parseLine(row: string): LogLine | undefined {
  const space = row.indexOf(' ');
  const time = space < 0 ? row : row.slice(0, space);
  if (!/^\d{4}-\d\d-\d\dT/.test(time)) return undefined;
  return { time, text: space < 0 ? '' : row.slice(space + 1) };
}

function toRow({ time, text }: LogLine): string {
  return `${time} ${text}\n`;
}

function ignoreExists(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

/** Another run of the task has output, or another worker was faster. */
function ignoreNotEmpty(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error;
}
