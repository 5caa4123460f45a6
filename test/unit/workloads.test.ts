import { describe, expect, it } from 'vitest';
import { gunzipSync } from 'node:zlib';
import type { CommandTask, EvaluationTask, SampleVerdict } from '../../src/contract.ts';
import { command } from '../../src/workloads/command.ts';
import { evaluation } from '../../src/workloads/evaluation.ts';
import { evaluationReader } from '../../src/workloads/evaluation-reader.ts';
import { packJsonLines, unpackJsonLines } from '../../src/workloads/json-lines.ts';

const CONTEXT = { pythonImage: 'python:3.12', nonce: 'the-nonce' };
const problem = {
  task_id: 'p',
  prompt: 'def f():\n',
  entry_point: 'f',
  test: 'def check(f): pass',
  canonical_solution: 'secret',
};
const suite: EvaluationTask = {
  workload: 'evaluation',
  problems: { jsonl: `${JSON.stringify(problem)}\n` },
  samples: { jsonl: '{"task_id":"p","completion":"    pass"}\n\n{"task_id":"p","completion":"    return 1"}' },
};

describe('the command workload', () => {
  const task: CommandTask = {
    workload: 'command',
    image: 'busybox:1.36',
    command: ['sh', '-c'],
    args: ['echo  "a"\nb'],
    files: [
      { path: '/in/text', text: 'é' },
      { path: '/in/bytes', base64: 'AAH/', mode: 0o555 },
    ],
  };

  it('plans what was asked for, byte by byte', () => {
    const plan = command.plan(task, CONTEXT);
    expect(plan).toMatchObject({ image: 'busybox:1.36', command: ['sh', '-c'], args: ['echo  "a"\nb'], env: {} });
    expect(plan.files.map(({ path, bytes, mode }) => [path, [...bytes], mode])).toEqual([
      ['/in/text', [0xc3, 0xa9], undefined],
      ['/in/bytes', [0, 1, 255], 0o555],
    ]);
  });

  it('says what it is in one line of at most 200 bytes', () => {
    expect(command.summary(task)).toBe(`busybox:1.36: sh -c 'echo "a" b'`);
    const long = command.summary({ ...task, args: ['é'.repeat(500)] });
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(200);
    expect(long).toMatch(/é…$/);
  });

  it('succeeds with exit code 0', () => {
    expect(command.reader(CONTEXT).end()).toEqual({ kind: 'succeeded', output: { exitCode: 0 } });
  });
});

describe('the evaluation workload', () => {
  it('gives the container the fields it needs and not the solutions', () => {
    const plan = evaluation.plan(suite, CONTEXT);
    const texts = plan.files
      .filter(({ path }) => path.endsWith('.gz'))
      .map(({ bytes }) => gunzipSync(bytes).toString());
    expect(texts.join('')).not.toContain('secret');
    expect(texts.map((text) => text.trim().split('\n').length)).toEqual([1, 2]);
    expect(plan.files.map(({ path }) => path)).toContain('/holdfast/inputs/runner/__main__.py');
    expect(plan.command?.at(-1)).toBe('/holdfast/inputs/runner');
  });

  it('plans the same bytes for the same task, so that a second attempt finds its own', () => {
    expect(evaluation.plan(suite, CONTEXT)).toEqual(evaluation.plan(suite, CONTEXT));
  });

  it('takes the default image, and as many samples at once as it has whole cores', () => {
    const parallel = (task: Partial<EvaluationTask>) =>
      evaluation.plan({ ...suite, ...task }, CONTEXT).env['HOLDFAST_PARALLEL'];
    expect(evaluation.plan(suite, CONTEXT).image).toBe('python:3.12');
    expect(parallel({})).toBe('1');
    expect(parallel({ resources: { cpu: '3500m' } })).toBe('3');
    expect(parallel({ resources: { cpu: '500m' } })).toBe('1');
    expect(parallel({ parallel: 7 })).toBe('7');
  });

  it('says what it is in one line', () => {
    expect(evaluation.summary(suite)).toBe('2 samples for 1 problem, 3 s each, 1 at once');
  });

  it('takes lines from a file with or without .gz, to the same text', () => {
    const text = '{"a": "é"}\n';
    const packed = packJsonLines(Buffer.from(text));
    expect(unpackJsonLines(packed)).toEqual({ kind: 'text', text });
    const gzipped = 'gzip' in packed ? Buffer.from(packed.gzip, 'base64') : Buffer.alloc(0);
    expect(packJsonLines(gzipped)).toEqual(packed);
  });
});

describe("the reader of an evaluation's output", () => {
  const started = (total: number) => ({ kind: 'start', total, unattempted: { count: 0, first: [] } });
  const row = (index: number, verdict: SampleVerdict = 'passed') => ({
    kind: 'sample',
    index,
    task_id: 'p',
    verdict,
    seconds: 1,
  });
  const ended = (passed: number, failed = 0, timed_out = 0) => ({ kind: 'end', passed, failed, timed_out });
  const read = (said: readonly (object | string)[]) => {
    const reader = evaluationReader('n');
    const progress = said.map((line) => reader.line?.(typeof line === 'string' ? line : `n ${JSON.stringify(line)}`));
    return { progress, ending: reader.end(), rows: reader.rows };
  };

  it('tells progress line by line and puts the samples in order', () => {
    const { progress, ending, rows } = read([
      started(3),
      row(1, 'failed'),
      row(2, 'timed_out'),
      row(0),
      ended(1, 1, 1),
    ]);
    expect(progress[2]).toEqual({ done: 2, total: 3, note: '0 passed, 1 failed, 1 timed out' });
    expect(ending).toMatchObject({ output: { samples: 3, passed: 1, failed: 1, timedOut: 1, resultsLeftOut: 0 } });
    expect(rows?.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  it('does not hear lines without the nonce', () => {
    const forged = 'm {"kind":"sample","index":0}';
    const { progress, ending } = read([started(1), forged, 'garbage', row(0), ended(1)]);
    expect(progress[1]).toBeUndefined();
    expect(ending).toMatchObject({ kind: 'succeeded', output: { passAtK: { 1: 1 } } });
  });

  it.each([
    ['nothing at all', []],
    ['no first line', [row(0), ended(1)]],
    ['no last line', [started(1), row(0)]],
    ['a sample missing', [started(2), row(0), ended(1)]],
    ['a sample twice', [started(2), row(0), row(0), ended(2)]],
    ['a sample too many', [started(1), row(0), row(1), ended(2)]],
    ['an index that is none', [started(1), row(-1), ended(1)]],
    ['counts that disagree', [started(1), row(0, 'failed'), ended(1)]],
    ['a line cut short', [started(1), row(0), 'n {"kind":"sam', ended(1)]],
  ])('does not make a result of %s', (_, said) => {
    expect(read(said).ending).toMatchObject({ kind: 'failed', problem: { code: 'RESULT_UNREADABLE' } });
  });

  it('keeps a thousand samples in the result and all of them in its rows', () => {
    const all = Array.from({ length: 1_200 }, (_, index) => row(index));
    const { ending, rows } = read([started(1_200), ...all, ended(1_200)]);
    expect(ending).toMatchObject({ output: { samples: 1_200, resultsLeftOut: 200, passAtK: { 1: 1, 10: 1, 100: 1 } } });
    expect(rows).toHaveLength(1_200);
  });
});
