import { appendFile, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/contract.ts';
import { EVENTS_FILE, logFile, type LogLine, LogStore, parseLine, type StoredRun } from '../../src/logs/store.ts';

let root: string;
let store: LogStore;
let run: StoredRun;
let count = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-logs-'));
  store = new LogStore(root);
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(() => {
  run = { task: `task-${(count += 1)}`, run: 'hf-a' };
});

const FILE = logFile('pod', 'task');
const path = () => join(store.folder(run), FILE);
const open = () => store.openLog(run, 'pod', 'task');
const at = (second: number, text = `line ${second}`): LogLine => ({
  time: `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000000Z`,
  text,
});
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => at(first + index));
const texts = (from = 0) => Array.fromAsync(store.lines(run, FILE, from), ({ text }) => text);
const numbered = (last: number, first = 1) => upTo(last, first).map(({ text }) => text);

describe('a log', () => {
  it('is read as it was written, each line behind its time', async () => {
    const lines = [at(1, ''), at(2, ' two  words '), at(3, 'é 日本 🦀'), at(4, '2026-01-01T00:00:00Z not a time')];
    await (await open()).write(lines);
    const read = await Array.fromAsync(store.lines(run, FILE), ({ time, text }) => ({ time, text }));
    expect(read).toEqual(lines);
  });

  it('keeps what stands between carriage returns and other line ends: only a newline ends a line', async () => {
    const lines = [at(1, '10%\r20%\r30%'), at(2, 'ended by both\r'), at(3, 'a\u2028b\u2029c\u0085d'), at(4, 'last')];
    await (await open()).write(lines);
    expect(await texts()).toEqual(lines.map(({ text }) => text));
  });

  it('goes on where an earlier writer stopped, without saying anything twice', async () => {
    await (await open()).write(upTo(3));
    const writer = await open();
    expect(writer.last).toBe(at(3).time);
    await writer.write(upTo(5, 2));
    expect(await texts()).toEqual(numbered(5));
    expect((await readFile(path(), 'utf8')).match(/line 3/g)).toHaveLength(1);
  });

  it('is whole and in order with two writers at once', async () => {
    const [a, b] = [await open(), await open()];
    await a.write(upTo(3));
    await b.write(upTo(2));
    await b.write(upTo(5, 3));
    await a.write(upTo(6, 4));
    expect(await texts()).toEqual(numbered(6));
  });

  it('is read on from where reading stopped, byte by byte', async () => {
    const writer = await open();
    await writer.write([at(1, 'é'), at(2, '\r'), at(3, '\u2028')]);
    const ends = await Array.fromAsync(store.lines(run, FILE), ({ end }) => end);
    expect(ends.at(-1)).toBe((await stat(path())).size);
    await writer.write([at(4, 'new')]);
    expect(await texts(ends.at(-1))).toEqual(['new']);
    expect(await texts(ends[0])).toEqual(['\r', '\u2028', 'new']);
  });

  it('whose last line is half written is read up to there, and then from there', async () => {
    await (await open()).write(upTo(2));
    const [end = 0] = (await Array.fromAsync(store.lines(run, FILE), ({ end }) => end)).slice(-1);
    await appendFile(path(), `${at(3).time} li`);
    expect(await texts()).toEqual(numbered(2));
    await appendFile(path(), 'ne 3\n');
    expect(await texts(end)).toEqual(['line 3']);
  });

  it('whose writer was killed in the middle of a line is gone on with, and nothing is lost or joined', async () => {
    await (await open()).write(upTo(2));
    await appendFile(path(), `${at(3).time} li`);
    const writer = await open();
    expect(writer.last).toBe(at(2).time);
    await writer.write(upTo(4, 3));
    expect(await texts()).toEqual(numbered(4));
  });

  it('that could not be written for a while is whole when it can be, whatever part of a line a full disk took', async () => {
    const writer = await open();
    await writer.write(upTo(2));
    await rename(store.folder(run), `${store.folder(run)}-away`);
    await expect(writer.write(upTo(4))).rejects.toThrow('ENOENT');
    expect(writer.last).toBe(at(2).time);
    await rename(`${store.folder(run)}-away`, store.folder(run));
    await appendFile(path(), '2026-01-01T00:00:03.000000000Z li');
    await writer.write(upTo(4));
    expect(await texts()).toEqual(numbered(4));
  });

  it('is cut at its limit, once, and says so; the file stays within it', async () => {
    const big = 'x'.repeat(1024 * 1024);
    const writer = await open();
    await writer.write(upTo(12).map(({ time }) => ({ time, text: big })));
    await writer.write([at(13, 'after the cut')]);
    const again = await open();
    await again.write([at(14, 'after a restart')]);
    const read = await texts();
    expect(read.filter((text) => text === big)).toHaveLength(9);
    expect(read.at(-1)).toBe(`[holdfast] cut here: the log store keeps ${LIMITS.logBytes} bytes per container`);
    expect(read).toHaveLength(10);
    expect((await stat(path())).size).toBeLessThanOrEqual(LIMITS.logBytes);
  });

  it('may carry a remark of ours, which is read with it', async () => {
    const writer = await open();
    await writer.write(upTo(1));
    await writer.remark('the log could not be read');
    expect(await texts()).toEqual(['line 1', '[holdfast] the log could not be read']);
  });

  it('that never was is empty, as is one with nothing in it', async () => {
    expect(await texts()).toEqual([]);
    await open();
    expect(await texts()).toEqual([]);
  });
});

describe('the store', () => {
  it('finds the runs of a task, oldest first, and none of a task that it does not know', async () => {
    const late = { ...run, run: 'hf-a-late' };
    const early = { ...run, run: 'hf-z-early' };
    await store.introduce(late, { taskId: 't', runId: '2', at: '2026-01-02T00:00:00.000Z' });
    await store.introduce(early, { taskId: 't', runId: '1', at: '2026-01-01T00:00:00.000Z' });
    await store.introduce(early, { taskId: 't', runId: '1', at: '2026-01-09T00:00:00.000Z' });
    expect(await store.runsOf(run.task)).toEqual([early, late]);
    expect(await store.runsOf('no such task')).toEqual([]);
  });

  it('is not stopped by a folder whose introduction is half written', async () => {
    await store.introduce(run, { taskId: 't', runId: '1', at: '2026-01-01T00:00:00.000Z' });
    const broken = { ...run, run: 'hf-broken' };
    await open();
    await store.openLog(broken, 'pod', 'task');
    await writeFile(join(store.folder(broken), 'task.json'), '{"taskId":');
    expect((await store.runsOf(run.task)).map((one) => one.run).toSorted()).toEqual(['hf-a', 'hf-broken']);
  });

  it('gives the logs of containers; the events only of a run that has no log', async () => {
    await store.writeEvents(run, [at(1, 'Warning FailedMount')]);
    expect(await store.filesOf(run)).toEqual([EVENTS_FILE]);
    expect(await store.filesOf(run, false)).toEqual([]);
    await open();
    expect(await store.filesOf(run)).toEqual([FILE]);
    expect(await store.filesOf({ ...run, run: 'none' })).toEqual([]);
  });

  it('keeps the rows of a result as lines of JSON', async () => {
    await store.writeResults(run, [{ index: 0 }, { index: 1 }]);
    expect(await readFile(join(store.folder(run), 'results.jsonl'), 'utf8')).toBe('{"index":0}\n{"index":1}\n');
  });
});

it.each([
  ['2026-01-01T00:00:00.5Z text', { time: '2026-01-01T00:00:00.5Z', text: 'text' }],
  ['2026-01-01T00:00:00Z', { time: '2026-01-01T00:00:00Z', text: '' }],
  ['2026-01-01T00:00:00Z ', { time: '2026-01-01T00:00:00Z', text: '' }],
  ['no time', undefined],
  ['', undefined],
  ['unable to retrieve container logs', undefined],
])('a row %j is read as what it is', (row, line) => {
  expect(parseLine(row)).toEqual(line);
});
