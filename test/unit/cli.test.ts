import { CommanderError } from 'commander';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkedLimit } from '../../src/cli/commands/list.ts';
import { exitOfOutcome } from '../../src/cli/commands/run.ts';
import { failureOf } from '../../src/cli/failure.ts';
import { TOP_HELP } from '../../src/cli/help.ts';
import { readInputs } from '../../src/cli/input-files.ts';
import { exitOf } from '../../src/cli/show/answer.ts';
import { groupsOf, ratio, showEnding } from '../../src/cli/show/ending.ts';
import { optionOf, showFailure } from '../../src/cli/show/failure.ts';
import { liveLine } from '../../src/cli/show/progress.ts';
import { showList } from '../../src/cli/show/status.ts';
import { span } from '../../src/cli/show/text.ts';
import { fitted, harmless, plain } from '../../src/cli/terminal.ts';
import { lineDisplay } from '../../src/cli/watch.ts';
import { wantsJson } from '../../src/cli/words.ts';
import type { SampleResult } from '../../src/contract.ts';
import { EXIT, HoldfastError } from '../../src/errors.ts';
import type { TaskView } from '../../src/task-view.ts';
import { RUNNING } from './running-view.ts';

const noPaint = (_: string, text: string) => text;
const view = (more: Partial<TaskView> = {}): TaskView => ({ ...RUNNING, taskId: 'a', workload: 'evaluation', ...more });
const problem = { code: 'EXIT_CODE', message: 'It ended with 3.', next: 'Read its output: `holdfast logs ID`.' };

describe('exit codes', () => {
  it('tell how a task ended', () => {
    expect(exitOfOutcome({ outcome: 'failed', problem })).toBe(1);
    expect(exitOfOutcome({ outcome: 'cancelled', reason: '', started: true })).toBe(7);
    expect(exitOfOutcome({ outcome: 'terminated' })).toBe(1);
  });

  it('tell a cancel that worked from one that came too late and one of nothing', () => {
    expect(exitOf('cancelled_before_start')).toBe(0);
    expect(exitOf('already_cancelled')).toBe(0);
    expect(exitOf('already_completed')).toBe(6);
    expect(exitOf('already_failed')).toBe(6);
    expect(exitOf('unknown_task')).toBe(3);
  });

  it('are all in the help', () => {
    for (const code of Object.values(EXIT)) expect(TOP_HELP).toMatch(new RegExp(`^ +${code}  \\S`, 'm'));
  });
});

describe('errors', () => {
  it('are told without a stack, with what to do', async () => {
    const failure = await failureOf(new TypeError('x is not a function'));
    expect(failure).toMatchObject({ code: 'CLI_FAULT', exit: 70 });
    expect(showFailure(failure)).not.toContain('    at ');
  });

  it('carry the exit code of the registry', async () => {
    expect(await failureOf(new HoldfastError('TASK_ID_TAKEN', 'taken'))).toMatchObject({ exit: 4 });
    expect(await failureOf(new HoldfastError('TEMPORAL_UNREACHABLE', 'away'))).toMatchObject({ exit: 5 });
  });

  it('of words that are not understood are bad input', async () => {
    const failure = await failureOf(new CommanderError(1, 'commander.unknownOption', "error: unknown option '-c'"));
    expect(failure).toMatchObject({ code: 'USAGE', message: "Unknown option '-c'.", exit: 2 });
  });

  it('name the option that was typed, not the field it became', () => {
    expect(optionOf('resources.cpu')).toBe('--cpu');
    expect(optionOf('files[1].path')).toBe('--file no. 2, its path,');
    expect(optionOf('timeout')).toBe('--timeout');
    expect(optionOf('gracePeriod')).toBe('--grace');
    expect(optionOf('env.FOO')).toBe('--env FOO');
  });

  it('name a missing namespace, whoever wraps the error', async () => {
    const inner = Object.assign(new Error('not found'), { name: 'NamespaceNotFoundError', namespace: 'x' });
    expect(await failureOf(new Error('outer', { cause: inner }))).toMatchObject({ code: 'CONFIG_INVALID', exit: 2 });
  });

  it('of files say which file and why', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-'));
    try {
      const read = await readInputs([join(folder, 'no'), folder]);
      expect([...read.values()]).toEqual([
        { message: `${join(folder, 'no')} does not exist.` },
        { message: `${folder} is a directory; a file is wanted.` },
      ]);
      expect([...(await readInputs(['-', '-'])).values()]).toEqual([
        { message: 'standard input can be read only once; name a file.' },
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('of a limit that is none are bad input', () => {
    expect(checkedLimit('5')).toBe(5);
    for (const text of ['0', '-1', 'x', '1.5', '']) expect(() => checkedLimit(text)).toThrow(HoldfastError);
  });
});

describe('an ending', () => {
  const sample = (index: number, verdict: SampleResult['verdict'], reason?: string): SampleResult => ({
    task_id: `T/${index}`,
    index,
    verdict,
    seconds: 1,
    ...(reason !== undefined && { reason }),
  });

  it('groups failures that say the same, most frequent first', () => {
    const results = [
      sample(0, 'failed', 'a'),
      sample(1, 'failed', 'b'),
      sample(2, 'timed_out'),
      sample(3, 'failed', 'b'),
    ];
    const groups = groupsOf([...results, sample(4, 'passed')]);
    expect(groups.map(({ reason, results: { length } }) => [reason, length])).toEqual([
      ['b', 2],
      ['a', 1],
      ['timed out', 1],
    ]);
  });

  it('is never rounded up to perfect, nor down to nothing', () => {
    expect([1, 0.99999, 0.00001, 0].map(ratio)).toEqual(['1.0', '0.9999', '0.0001', '0.0']);
  });

  it('of a failure says code, sentence, and the next step with the id in it', () => {
    const text = showEnding('job-1', { outcome: 'failed', problem }, noPaint);
    expect(text).toContain('It ended with 3. (EXIT_CODE)');
    expect(text).toContain('holdfast logs job-1');
  });

  it('of a cancel says whether it had been started', () => {
    const told = (started: boolean) => showEnding('a', { outcome: 'cancelled', reason: 'why', started }, noPaint);
    expect(told(true)).toContain('It had been started');
    expect(told(false)).toContain('no container of it ever ran');
  });
});

describe('a task under way', () => {
  const progress = { done: 3, total: 6, note: '2 passed, 1 failed' };

  it('is one line with a bar', () => {
    expect(liveLine(view({ progress }), undefined, 3_400)).toBe(
      'running 3 s · ██████████░░░░░░░░░░ 3/6 · 2 passed, 1 failed',
    );
  });

  it('says that it is being cancelled before the worker has heard of it', () => {
    expect(liveLine(view({ cancelRequested: true }), undefined, 0)).toContain('cancelling');
  });

  it('makes a line for each change in a log, and none for what it has said', () => {
    const lines: string[] = [];
    const display = lineDisplay({ line: (text) => lines.push(text) }, () => 0);
    const pod = { name: 'p', phase: 'Running' };
    const states = [view(), view(), view({ pod }), view(), view({ pod, progress }), view({ pod, progress })];
    for (const state of [...states, view({ phase: 'releasing' })]) display.show(state, undefined);
    expect(lines).toEqual(['running', 'running; Pod p Running', 'running; 3 of 6, 2 passed, 1 failed', 'releasing']);
  });

  it('tells the same trouble once, however often it is tried again', () => {
    const lines: string[] = [];
    const display = lineDisplay({ line: (text) => lines.push(text) }, () => 0);
    const trouble = (attempt: number) => ({ code: 'KUBERNETES_UNREACHABLE', message: `attempt ${attempt}` });
    for (const attempt of [1, 2, 3]) display.show(view(), trouble(attempt));
    expect(lines).toEqual(['running; attempt 1']);
  });

  it('fits a terminal, marked where it is cut', () => {
    expect(fitted('abcdef', 4)).toBe('abc…');
    expect(fitted('abcd', 4)).toBe('abcd');
  });
});

describe('text from a container', () => {
  it('cannot move the cursor, clear the screen or name the window; colours stay in logs', () => {
    expect(harmless('\u001b[31mred\u001b[0m\u001b[2J\u001b]0;title\u0007\u001b[1Aup\r')).toBe(
      '\u001b[31mred\u001b[0mup',
    );
    expect(plain('\u001b[31ma\u001b[0m\n b')).toBe('a b');
  });
});

it('lists tasks in columns', () => {
  const [head, row] = showList([view({ closedAt: '2026-01-01T00:00:12.000Z', open: false, outcome: 'succeeded' })], 0);
  expect(head).toMatch(/^TASK +WORKLOAD +STATE/);
  expect(row).toMatch(/^a +evaluation +succeeded +.*12 s$/);
});

it('writes spans as people say them', () => {
  const spans = [400, 12_000, 200_000, 7_500_000, 273_600_000].map(span);
  expect(spans).toEqual(['0.4 s', '12 s', '3 min 20 s', '2 h 5 min', '3 d 4 h']);
});

it('does not take the --json of a command that is to run for its own', () => {
  expect(wantsJson(['status', 'a', '--json'])).toBe(true);
  expect(wantsJson(['run', 'command', '--', 'x', '--json'])).toBe(false);
});
