import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/contract.ts';
import { HoldfastError } from '../../src/errors.ts';
import { checkTask, settle, type InputProblem } from '../../src/schemas.ts';
import { refusalOf } from './refusal-of.ts';

const command = { workload: 'command', image: 'busybox:1.36' };
const problem = { task_id: 'p', prompt: 'def f():\n', entry_point: 'f', test: 'def check(f): pass' };
const sample = { task_id: 'p', completion: '    pass' };
const jsonl = (...rows: readonly unknown[]) => ({ jsonl: rows.map((row) => JSON.stringify(row)).join('\n') });
const evaluation = { workload: 'evaluation', problems: jsonl(problem), samples: jsonl(sample) };

function problemsOf(input: unknown): readonly InputProblem[] {
  return refusalOf(() => checkTask(input)).facts['problems'] as readonly InputProblem[];
}

const fieldsOf = (input: unknown) => problemsOf(input).map(({ field }) => field);

describe('the door', () => {
  it('lets a good task through as it is', () => {
    const full = {
      ...command,
      command: ['sh'],
      args: ['-c', 'true'],
      env: { A: '1', 'a.b-c': '' },
      files: [
        { path: '/in/a', text: '', mode: 0o555 },
        { path: '/in/b', base64: 'AAE=' },
      ],
      timeout: '1h30m',
      gracePeriod: '0s',
      resources: { cpu: '1500m', memory: '1Gi', tmp: '1Mi', devices: { 'nvidia.com/gpu': 1 } },
      runtimeClass: 'gvisor',
      nodeSelector: { 'kubernetes.io/arch': 'amd64', disk: '' },
      network: 'cluster',
      retries: 10,
    };
    expect(checkTask(full)).toEqual(full);
    expect(checkTask({ ...evaluation, sampleTimeout: 0.1, parallel: 64, image: 'python:3.12' })).toBeTruthy();
    expect(checkTask({ ...command, timeout: undefined, resources: { cpu: undefined } })).toEqual({
      ...command,
      resources: {},
    });
  });

  it('names every problem at once, by field', () => {
    const fields = fieldsOf({
      workload: 'command',
      image: 'busy box',
      command: 'sh',
      args: ['ok', 7, 'a\0b'],
      env: { '1A': 'x', B: 2 },
      files: [
        { path: 'a', text: '' },
        { path: '/in/a', text: '', base64: '' },
        { path: '/in/a', text: '' },
        { path: '/in/a/b' },
        { path: '/in/../b', base64: '%' },
      ],
      timeout: '-5s',
      gracePeriod: '11m',
      resources: { cpu: '300', memory: '1', devices: { gpu: 1, 'a.b/c': 0.5 }, disk: '1Gi' },
      runtimeClass: 'G Visor',
      nodeSelector: { 'a b': 'x', c: '-' },
      network: 'host',
      retries: 11,
      priority: 1,
    });
    expect(new Set(fields)).toEqual(
      new Set([
        ...['image', 'command', 'args[1]', 'args[2]', 'env.1A', 'env.B', 'timeout', 'gracePeriod', 'runtimeClass'],
        ...[
          'files[0].path',
          'files[1]',
          'files[2].path',
          'files[3]',
          'files[3].path',
          'files[4].path',
          'files[4].base64',
        ],
        ...[
          'resources.cpu',
          'resources.memory',
          'resources.devices.gpu',
          'resources.devices["a.b/c"]',
          'resources.disk',
        ],
        ...['nodeSelector["a b"]', 'nodeSelector.c', 'network', 'retries', 'priority'],
      ]),
    );
  });

  it('says what was given and what is accepted', () => {
    expect(problemsOf({ ...command, timeout: '-5s' })).toEqual([
      {
        field: 'timeout',
        message: 'is "-5s"; it must be a duration from 1s to 7d. Write 90s, 10m, 2h, 1d or a sum such as 1h30m.',
      },
    ]);
    expect(problemsOf({ workload: 'ocr' })[0]).toEqual({
      field: 'workload',
      message: expect.stringMatching(/^is "ocr"; it must be command or evaluation/),
    });
    expect(problemsOf({ ...command, memory: '1Gi' })[0]?.message).toMatch(
      /^is not known here. Accepted: workload, image,/,
    );
    expect(problemsOf(null)[0]?.message).toBe('The task is null; it must be an object.');
  });

  it.each([
    '/',
    '/a/',
    '/a//b',
    '/a/./b',
    '/a/..',
    '/tmp',
    '/tmp/x',
    '/proc/1',
    '/sys/x',
    '/dev/null',
    '/holdfast/x',
    '/a:b',
    '/a\nb',
  ])('refuses a file at %j', (path) =>
    expect(fieldsOf({ ...command, files: [{ path, text: '' }] })).toEqual(['files[0].path']),
  );

  it.each(['/tmpfile', '/holdfast-data/x', '/a/..b', '/in/ü', '/a b'])('accepts a file at %j', (path) => {
    expect(checkTask({ ...command, files: [{ path, text: '' }] })).toBeTruthy();
  });

  const digest = `sha256:${'a'.repeat(64)}`;
  it.each([
    'busybox',
    'a/b/c:1',
    'host:5000/a',
    'Host.example/a_b/c--d:T.a-g',
    `a@${digest}`,
    `a:1@${digest}`,
    '[::1]:5000/a',
  ])('accepts the image %j', (image) => expect(checkTask({ ...command, image })).toBeTruthy());

  it.each([
    '',
    ' ',
    'a b',
    'A',
    'host:5000/A',
    'a:',
    'a:b:c',
    'a//b',
    '/a',
    'a@sha256:1',
    'a'.repeat(513),
    'http://a/b',
    'a\n',
  ])('refuses the image %j', (image) => expect(fieldsOf({ ...command, image })).toEqual(['image']));

  it('names line, file and fault in problems and samples', () => {
    const said = problemsOf({
      ...evaluation,
      problems: {
        jsonl: `${JSON.stringify(problem)}\n{"task_id": \n\n${JSON.stringify(problem)}\n{"task_id":"q","entry_point":"not a name"}`,
      },
      samples: jsonl([1], { task_id: 'p', completion: 3 }),
    }).map(({ field, message }) => `${field} ${message}`);
    expect(said).toEqual([
      'problems line 2 is not JSON: "{\\"task_id\\":".',
      'problems line 5: prompt is missing.',
      'problems line 5: entry_point is "not a name"; it must be the name of a Python function.',
      'problems line 5: test is missing.',
      'samples line 1: is a list; it must be an object.',
      'samples line 2: completion is 3; it must be text.',
      'problems line 4: task_id "p" is on line 1 already.',
    ]);
  });

  it('refuses samples for problems that are not there, empty lists and too many samples', () => {
    expect(problemsOf({ ...evaluation, samples: jsonl({ ...sample, task_id: 'x' }) })[0]?.message).toBe(
      'line 1: task_id "x" is not among the problems.',
    );
    expect(fieldsOf({ ...evaluation, problems: { jsonl: '\n' }, samples: { jsonl: '' } })).toEqual([
      'problems',
      'samples',
    ]);
    const many = Array.from({ length: LIMITS.samples + 1 }, () => '{"task_id":"p","completion":""}').join('\n');
    expect(problemsOf({ ...evaluation, samples: { gzip: gzipSync(many).toString('base64') } })[0]?.message).toContain(
      '20001',
    );
  });

  it('refuses what is not lines of JSON, plain or gzipped', () => {
    const given = [undefined, 'text', {}, { jsonl: 1 }, { jsonl: '', gzip: '' }, { gzip: 'AAAA' }, { gzip: '%' }];
    for (const problems of given) expect(fieldsOf({ ...evaluation, problems })).toContain('problems');
    const latin1 = gzipSync(Buffer.from([0xe9])).toString('base64');
    expect(problemsOf({ ...evaluation, samples: { gzip: latin1 } })[0]?.message).toBe('holds text that is not UTF-8.');
  });

  it('refuses 10 MB and a gzip bomb quickly, with the limit and the size', () => {
    const bomb = { gzip: gzipSync(Buffer.alloc(500_000_000)).toString('base64') };
    const ten = 'x'.repeat(10_000_000);
    const inputs = [
      { ...command, files: [{ path: '/a', text: ten }] },
      { ...command, files: [{ path: '/a', base64: 'A'.repeat(10_000_000) }] },
      { ...command, args: [ten] },
      { ...command, env: { A: ten } },
      { ...evaluation, problems: { jsonl: ten } },
      { ...evaluation, samples: bomb },
    ];
    const started = performance.now();
    const refusals = inputs.map((input) => refusalOf(() => checkTask(input)));
    expect(performance.now() - started).toBeLessThan(1_500);
    expect(refusals.map(({ code }) => code)).toEqual(inputs.map(() => 'INPUT_TOO_LARGE'));
    expect(refusals[0]?.facts).toMatchObject({ limit: LIMITS.inputBytes, actual: expect.closeTo(10_000_000, -5) });
    expect(refusals[5]?.facts).toMatchObject({ limit: 16 * 1024 * 1024 });
  });

  it('never throws anything but a refusal, whatever it is given', () => {
    const shaped = fc.record(
      {
        workload: fc.constantFrom('command', 'evaluation', 'x'),
        image: fc.oneof(fc.constant('a'), fc.jsonValue()),
        files: fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue()),
        env: fc.jsonValue(),
        args: fc.jsonValue(),
        problems: fc.oneof(fc.record({ jsonl: fc.oneof(fc.json(), fc.string()) }), fc.jsonValue()),
        samples: fc.oneof(fc.record({ gzip: fc.base64String() }), fc.jsonValue()),
        resources: fc.jsonValue(),
        nodeSelector: fc.jsonValue(),
        timeout: fc.jsonValue(),
        parallel: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(shaped, fc.jsonValue(), fc.anything()), (input) => {
        try {
          settle(checkTask(input));
        } catch (error) {
          const problems = error instanceof HoldfastError ? error.facts['problems'] : undefined;
          expect(problems).toBeInstanceOf(Array);
          expect(problems).not.toHaveLength(0);
        }
      }),
      { numRuns: 500 },
    );
  });
});
