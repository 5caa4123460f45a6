import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkedTask } from '../../src/cli/checked-task.ts';
import { type FileRead, readInputs } from '../../src/cli/input-files.ts';
import { commandDraft, evaluationDraft, fileSpec } from '../../src/cli/task-options.ts';
import { unpackJsonLines } from '../../src/workloads/json-lines.ts';

const none: ReadonlyMap<string, FileRead> = new Map();
const read = (text: string, isExecutable = false): FileRead => ({ bytes: Buffer.from(text), isExecutable });
const image = 'busybox:1.36';

describe('what words become', () => {
  it('runs the words after -- as they are given', () => {
    expect(commandDraft({ image }, ['sh', '-c', 'echo hi'], none).input).toEqual({
      workload: 'command',
      image,
      command: ['sh', '-c', 'echo hi'],
    });
  });

  it('leaves the image its own command when there are no words', () => {
    expect(commandDraft({ image }, [], none).input).toEqual({ workload: 'command', image });
  });

  it('hands the words to an entry point that is named, or kept', () => {
    expect(commandDraft({ image, entrypoint: 'sh' }, ['-c', 'x'], none).input).toMatchObject({
      command: ['sh'],
      args: ['-c', 'x'],
    });
    const kept = commandDraft({ image, keepEntrypoint: true }, ['x'], none).input;
    expect(kept).toEqual({ workload: 'command', image, args: ['x'] });
  });

  it('refuses an entry point that is both replaced and kept', () => {
    const { problems } = commandDraft({ image, entrypoint: 'sh', keepEntrypoint: true }, [], none);
    expect(problems.map(({ field }) => field)).toEqual(['command']);
  });

  it('takes a file with the executable bit it has, unless a mode is given', () => {
    const files = new Map([
      ['a.sh', read('a', true)],
      ['b', read('b')],
    ]);
    const { input } = commandDraft({ image, file: ['a.sh:/a', 'b:/b', 'b:/c:555'] }, [], files);
    expect(input['files']).toEqual([
      { path: '/a', base64: 'YQ==', mode: 0o555 },
      { path: '/b', base64: 'Yg==', mode: 0o444 },
      { path: '/c', base64: 'Yg==', mode: 0o555 },
    ]);
  });

  it('finds the path in the container behind a host path that has colons', () => {
    expect(fileSpec('C:dir/x:/app/x:444')).toEqual({ host: 'C:dir/x', path: '/app/x', mode: '444' });
    expect(fileSpec('x:y')).toBeUndefined();
  });

  it('keeps equals signs in values, and empty values', () => {
    const { input } = commandDraft({ image, env: ['A=b=c', 'EMPTY='] }, [], none);
    expect(input['env']).toEqual({ A: 'b=c', EMPTY: '' });
  });

  it('puts every setting in its place', () => {
    const { input } = commandDraft(
      {
        image,
        timeout: '10m',
        grace: '1s',
        cpu: '100m',
        memory: '64Mi',
        tmp: '1Mi',
        device: ['nvidia.com/gpu=1'],
        runtimeClass: 'gvisor',
        nodeSelector: ['disk=ssd'],
        network: 'cluster',
        retries: '2',
      },
      [],
      none,
    );
    expect(input).toEqual({
      workload: 'command',
      image,
      timeout: '10m',
      gracePeriod: '1s',
      resources: { cpu: '100m', memory: '64Mi', tmp: '1Mi', devices: { 'nvidia.com/gpu': 1 } },
      runtimeClass: 'gvisor',
      nodeSelector: { disk: 'ssd' },
      network: 'cluster',
      retries: 2,
    });
  });

  it('packs the lines of an evaluation, and its numbers', () => {
    const files = new Map([
      ['p', read('{"p":1}\n')],
      ['s', read('{"s":1}\n')],
    ]);
    const { input } = evaluationDraft({ problems: 'p', samples: 's', sampleTimeout: '0.5', parallel: '2' }, files);
    expect(input).toMatchObject({ workload: 'evaluation', sampleTimeout: 0.5, parallel: 2 });
    expect(unpackJsonLines(input['samples'] as { gzip: string })).toEqual({ kind: 'text', text: '{"s":1}\n' });
  });
});

describe('a refusal', () => {
  it('lists what the words got wrong together with what the door refuses, each field once', async () => {
    const draft = commandDraft(
      { image: 'a b', cpu: 'lots', env: ['FOO'], file: ['nope:/x'], device: ['gpu'] },
      ['true'],
      new Map([['nope', { message: 'nope does not exist.' }]]),
    );
    const refused = await checkedTask(draft, { id: ' id', priority: '9' }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'INPUT_INVALID' });
    const { problems } = (refused as { facts: { problems: { field: string }[] } }).facts;
    expect(problems.map(({ field }) => field).toSorted()).toEqual(
      ['env', 'files[0]', 'id', 'image', 'priority', 'resources.cpu', 'resources.devices'].toSorted(),
    );
  });

  it('says of a file that was not given that it is missing, not what a task looks like inside', async () => {
    const refused = await checkedTask(evaluationDraft({}, none)).catch((error: unknown) => error);
    const message = 'is missing; it must be a file of JSON lines, plain or gzipped.';
    expect(refused).toMatchObject({
      facts: {
        problems: [
          { field: 'problems', message },
          { field: 'samples', message },
        ],
      },
    });
  });
});

describe('a file that is empty', () => {
  let folder: string;
  let empty: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-'));
    empty = join(folder, '__init__.py');
    await writeFile(empty, '');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is a file of a task as any other', async () => {
    const draft = commandDraft({ image, file: [`${empty}:/app/__init__.py`] }, [], await readInputs([empty]));
    const { task } = await checkedTask(draft);
    expect(task).toMatchObject({ files: [{ path: '/app/__init__.py', base64: '' }] });
  });

  it('holds no problems and no samples', async () => {
    const draft = evaluationDraft({ problems: empty, samples: empty }, await readInputs([empty]));
    const message = 'is empty; it must have at least one line.';
    await expect(checkedTask(draft)).rejects.toMatchObject({
      facts: {
        problems: [
          { field: 'problems', message },
          { field: 'samples', message },
        ],
      },
    });
  });
});
