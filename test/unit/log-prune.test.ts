import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import { taskLabel } from '../../src/fence.ts';
import { keepPruning, prune } from '../../src/logs/prune.ts';
import { LogStore, type StoredRun } from '../../src/logs/store.ts';
import type { TaskStanding } from '../../src/task-standing.ts';

const never = new AbortController().signal;
const DAY = 86_400_000;
const labelOf = (taskId: string) => taskLabel('ours', taskId);
let root: string;
let store: LogStore;
let standings: Readonly<Record<string, TaskStanding>>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-prune-'));
  store = new LogStore(root);
  standings = {};
});
afterEach(() => rm(root, { recursive: true }));

const deps = () => ({ store, labelOf, standingOf: async (taskId: string) => standings[taskId] ?? 'absent' });

/** A run with a line in it, that was last written to so many days ago. */
async function stored(taskId: string, days: number, name = 'hf-a', label = labelOf(taskId)): Promise<StoredRun> {
  const run = { task: label, run: name };
  await store.introduce(run, { taskId, runId: 'r', at: '2026-01-01T00:00:00.000Z' });
  const writer = await store.openLog(run, 'pod', 'task');
  await writer.write([{ time: '2026-01-01T00:00:00.000000000Z', text: 'a line' }]);
  await age(run, days);
  return run;
}

async function age(run: StoredRun, days: number): Promise<void> {
  const then = new Date(Date.now() - days * DAY);
  const folder = store.folder(run);
  for (const file of [...(await readdir(folder)).map((name) => join(folder, name)), folder])
    await utimes(file, then, then);
}

const isThere = async (run: StoredRun) => (await store.filesOf(run)).length > 0;
const pruned = () => prune(deps(), Date.now() - 30 * DAY, never);

describe('the log store', () => {
  it('loses what is old, of tasks that are over or forgotten', async () => {
    standings = { closed: 'closed' };
    const runs = [await stored('closed', 31), await stored('absent', 400)];
    expect(await pruned()).toBe(2);
    expect(await Promise.all(runs.map(isThere))).toEqual([false, false]);
    expect(await store.tasks()).toEqual([]);
  });

  it('keeps what was written to lately, whatever else of the task is old', async () => {
    const [first, second] = [await stored('a', 31), await stored('a', 29, 'hf-b')];
    expect(await pruned()).toBe(1);
    expect([await isThere(first), await isThere(second)]).toEqual([false, true]);
    const quiet = await stored('b', 31);
    await store.writeEvents(quiet, []);
    expect(await pruned()).toBe(0);
  });

  it.each(['open', 'unknown'] as const)('keeps everything of a task of which Temporal says %s', async (standing) => {
    standings = { a: standing };
    const run = await stored('a', 400);
    expect(await pruned()).toBe(0);
    expect(await isThere(run)).toBe(true);
  });

  it("keeps what is another Temporal's, and what does not say whose it is", async () => {
    const theirs = await stored('a', 400, 'hf-a', taskLabel('theirs', 'a'));
    const nobodys = await stored('b', 400);
    await rm(join(store.folder(nobodys), 'task.json'));
    await age(nobodys, 400);
    expect(await pruned()).toBe(0);
    expect(await Promise.all([theirs, nobodys].map(isThere))).toEqual([true, true]);
  });

  it('keeps everything while Temporal does not answer, says so, and looks again', async () => {
    const run = await stored('a', 400);
    const stop = new AbortController();
    const errors: unknown[] = [];
    const away = () => Promise.reject(new Error('Temporal is away'));
    const counted: number[] = [];
    const running = keepPruning(
      {
        ...deps(),
        standingOf: () => (errors.length < 2 ? away() : deps().standingOf('a')),
        hours: 1,
        everyMs: 1,
        onPruned: (runs) => counted.push(runs),
        onError: (error) => errors.push(error),
      },
      stop.signal,
    );
    await until('it has been removed', () => counted.length > 0);
    stop.abort();
    await running;
    expect(errors).toHaveLength(2);
    expect(counted[0]).toBe(1);
    expect(await isThere(run)).toBe(false);
  });

  it('is never pruned if it is to be kept for ever', async () => {
    const run = await stored('a', 4_000);
    const unexpected = () => expect.unreachable();
    await keepPruning({ ...deps(), hours: 0, onPruned: unexpected, onError: unexpected }, never);
    expect(await isThere(run)).toBe(true);
  });
});
