import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ended } from '../program.ts';
import { Processes } from './processes.ts';
import { images, openScene, type Scene, until } from './scene.ts';

let scene: Scene;
let image: string;
let python: string;
let folder: string;
let processes: Processes;

beforeAll(async () => {
  scene = await openScene();
  processes = new Processes(scene);
  await scene.startWorker();
  ({ busybox: image, python } = await images());
  folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-'));
});

afterAll(async () => {
  processes.end();
  await scene.close();
  await rm(folder, { recursive: true, force: true });
});

const holdfast = (...words: readonly string[]): Promise<Ended> => processes.holdfast(words).ended;
const newId = (): string => `cli-${randomUUID().slice(0, 8)}`;
const small = ['--cpu', '50m', '--memory', '32Mi', '--tmp', '1Mi', '--grace', '1s'];
const command = (id: string, ...script: readonly string[]): string[] => [
  'run',
  'command',
  '--id',
  id,
  '--image',
  image,
  ...small,
  '--json',
  '--',
  ...script,
];

async function phases(id: string): Promise<(string | undefined)[]> {
  return (await scene.remains(id)).pods.map(({ status }) => status?.phase);
}

/** A shared node may be full for a while; then the failure says what the task waited for. */
async function untilRunning(id: string): Promise<void> {
  await until('a running Pod', async () => (await phases(id)).includes('Running'), 90).catch(async (cause: unknown) => {
    throw new Error(`no running Pod of ${id}: ${(await holdfast('status', id)).out}`, { cause });
  });
}

async function nothingIsLeft(id: string): Promise<void> {
  const { anchors, jobs, pods } = await scene.remains(id);
  expect([anchors, jobs, pods].map((found) => found.length)).toEqual([0, 0, 0]);
}

describe('run', () => {
  it('exits with 0 and one JSON object, the log stays when the Job is gone, and the same id finds the task', async () => {
    const id = newId();
    const first = await holdfast(...command(id, 'sh', '-c', 'echo hello; echo again'));
    expect(first).toMatchObject({ exit: 0 });
    expect(JSON.parse(first.out)).toMatchObject({ taskId: id, isNew: true, outcome: 'succeeded' });
    await nothingIsLeft(id);

    expect(await holdfast('logs', id)).toMatchObject({ exit: 0, out: 'hello\nagain\n' });
    const again = await holdfast(...command(id, 'sh', '-c', 'echo hello; echo again'));
    expect(JSON.parse(again.out)).toMatchObject({ isNew: false, outcome: 'succeeded' });
    expect(await holdfast(...command(id, 'echo', 'other'))).toMatchObject({ exit: 4 });
    expect(await holdfast('cancel', id)).toMatchObject({ exit: 6 });
  });

  it('evaluates files of JSON lines and tells pass@1', async () => {
    const [problems, samples, id] = [join(folder, 'p.jsonl'), join(folder, 's.jsonl'), newId()];
    const test = 'def check(candidate):\n    assert candidate() == 1\n';
    await writeFile(problems, JSON.stringify({ task_id: 'T/0', prompt: 'def one():\n', entry_point: 'one', test }));
    const completions = ['    return 1\n', '    return 2\n'].map((completion) => ({ task_id: 'T/0', completion }));
    await writeFile(samples, completions.map((row) => JSON.stringify(row)).join('\n'));
    const settings = ['--id', id, '--image', python, '--cpu', '100m', '--memory', '64Mi'];
    const { exit, out } = await holdfast(
      'run',
      'evaluation',
      '--problems',
      problems,
      '--samples',
      samples,
      ...settings,
    );
    expect(exit).toBe(0);
    expect(out).toContain('2 samples of 1 problem: 1 passed, 1 failed, 0 timed out');
    expect(out).toContain('pass@1 0.5000');
  });

  it('exits with 1 and says why when the command fails', async () => {
    const { exit, out } = await holdfast(...command(newId(), 'sh', '-c', 'exit 3'));
    expect(exit).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      outcome: 'failed',
      problem: { code: 'EXIT_CODE', facts: { exitCode: 3 } },
    });
  });

  it('refuses bad input with 2, names every problem, and creates nothing', async () => {
    const id = newId();
    const words = ['run', 'command', '--id', id, '--image', 'a b', '--cpu', 'lots', '--file', 'no/such:/x', '--json'];
    const { exit, out } = await holdfast(...words);
    expect(exit).toBe(2);
    const { problems } = JSON.parse(out).error;
    expect(problems.map(({ field }: { field: string }) => field).toSorted()).toEqual([
      'files[0]',
      'image',
      'resources.cpu',
    ]);
    expect(await holdfast('status', id)).toMatchObject({ exit: 3 });
    await nothingIsLeft(id);
  });

  it('cancels at Ctrl-C, and answers when nothing is left', async () => {
    const id = newId();
    const { child, ended } = processes.holdfast(command(id, 'sleep', '600'));
    await untilRunning(id);
    child.kill('SIGINT');
    const { exit, out } = await ended;
    expect(exit).toBe(7);
    expect(JSON.parse(out)).toMatchObject({ outcome: 'cancelled', started: true });
    await nothingIsLeft(id);
  });

  it('leaves the task running at SIGTERM', async () => {
    const id = newId();
    const { child, ended } = processes.holdfast(command(id, 'sleep', '600'));
    await untilRunning(id);
    child.kill('SIGTERM');
    const { exit, out } = await ended;
    expect(exit).toBe(143);
    expect(JSON.parse(out)).toMatchObject({ taskId: id, detached: true });
    expect(await phases(id)).toEqual(['Running']);
    await holdfast('cancel', id);
  });
});

describe('cancel', () => {
  it('ends a running task, gives the true answer, and the same sense when asked again', async () => {
    const id = newId();
    const words = ['run', 'command', '--id', id, '--image', image, ...small, '--detach', '--', 'sleep', '600'];
    expect(await holdfast(...words)).toMatchObject({ exit: 0, out: `${id}\n` });
    await untilRunning(id);
    const { exit, out } = await holdfast('cancel', id, '--reason', 'enough', '--wait', '--json');
    expect([exit, JSON.parse(out)]).toEqual([0, { taskId: id, answer: 'cancelled_running' }]);
    await nothingIsLeft(id);

    const again = await holdfast('cancel', id, '--json');
    expect([again.exit, JSON.parse(again.out).answer]).toEqual([0, 'already_cancelled']);
    const status = await holdfast('status', id, '--json');
    expect(JSON.parse(status.out)).toMatchObject({ outcome: 'cancelled', reason: 'enough' });
  });

  it('of a task that does not exist exits with 3', async () => {
    expect(await holdfast('cancel', newId())).toMatchObject({ exit: 3, out: '' });
  });
});

it('lists tasks as JSON lines, the open ones first, then what ended last', async () => {
  const id = newId();
  await holdfast(...command(id, 'true'));
  // Temporal's list is served from its visibility store, which lags behind by a moment.
  await until('the task in the list', async () => (await holdfast('list', '--limit', '1000')).out.includes(id));
  const { out } = await holdfast('list', '--limit', '2', '--json');
  const rows = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows).toHaveLength(2);
  const places = rows.map(({ closedAt, startedAt }) => `${closedAt ?? '9999'} ${startedAt}`);
  expect(places).toEqual(places.toSorted().toReversed());
});

it('says within seconds that Temporal does not answer', async () => {
  const began = Date.now();
  const { exit, err } = await processes.holdfast(['list'], { TEMPORAL_ADDRESS: '127.0.0.1:1' }).ended;
  expect(exit).toBe(5);
  expect(err).toContain('Temporal does not answer at 127.0.0.1:1');
  expect(err).not.toContain('    at ');
  expect(Date.now() - began).toBeLessThan(10_000);
});

it('says when no worker listens, and how to start one', async () => {
  const id = newId();
  const { child, ended } = processes.holdfast(command(id, 'true'), { HOLDFAST_TASK_QUEUE: `${id}-nobody` });
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => (told += String(chunk)));
  await until('the sentence', () => told.includes('No worker listens on'), 20);
  child.kill('SIGTERM');
  expect((await ended).err).toContain('npm run up');
  await scene.client.temporal.workflow.getHandle(id).terminate('no worker will ever come');
});
