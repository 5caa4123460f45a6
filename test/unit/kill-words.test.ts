import { describe, expect, it } from 'vitest';
import { worstOf } from '../../src/cli/commands/kill.ts';
import { killMeaning } from '../../src/cli/kill-words.ts';
import { exitOfKill, showCandidates, showKill } from '../../src/cli/show/kill.ts';
import type { KillReport } from '../../src/kill/contract.ts';
import { HoldfastError } from '../../src/errors.ts';

const refusedFields = (...given: Parameters<typeof killMeaning>): readonly string[] => {
  try {
    killMeaning(...given);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'INPUT_INVALID') throw error;
    return (error.facts['problems'] as readonly { field: string }[]).map(({ field }) => field);
  }
  return [];
};

describe('the words of a kill', () => {
  it('mean one task, which needs no consent', () => {
    expect(killMeaning('a', {}, false)).toEqual({ of: 'one', taskId: 'a' });
    expect(killMeaning('a', { wait: '1m' }, false)).toEqual({ of: 'one', taskId: 'a', waitSeconds: 60 });
  });

  it('mean many, by conditions that all hold', () => {
    const words = { workload: 'command', label: ['a.b/c=d', 'e=f'], olderThan: '1h30m' };
    const filter = { workload: 'command', labels: { 'a.b/c': 'd', e: 'f' }, olderThanSeconds: 5_400 };
    expect(killMeaning(undefined, words, true)).toEqual({ of: 'many', filter, ask: 'yes' });
    expect(killMeaning(undefined, { ...words, yes: true }, false)).toEqual({ of: 'many', filter, ask: 'no' });
  });

  it('only list when told so, even with --yes', () => {
    const words = { workload: 'command', dryRun: true, yes: true };
    expect(killMeaning(undefined, words, false)).toMatchObject({ ask: 'only list' });
  });

  it('are refused at the door if nobody can be asked', () => {
    expect(refusedFields(undefined, { workload: 'command' }, false)).toEqual(['']);
    expect(refusedFields(undefined, { workload: 'command', json: true }, true)).toEqual(['']);
  });

  it('are refused if they name nothing, or a task and others', () => {
    expect(refusedFields(undefined, {}, true)).toEqual(['']);
    expect(refusedFields(undefined, { yes: true }, true)).toEqual(['']);
    expect(refusedFields('a', { workload: 'command', yes: true }, true)).toEqual(['']);
    expect(refusedFields('a', { dryRun: true }, true)).toEqual(['']);
  });

  it('are refused with all that is wrong with them', () => {
    const words = { olderThan: 'yesterday', label: ['x', 'a=b,c=d', 'a=b', 'a=c'], workload: 'a,b', wait: '11m' };
    const fields = refusedFields(undefined, { ...words, reason: 'x'.repeat(1_001), yes: true }, true);
    expect(fields.toSorted()).toEqual(['label', 'label', 'label', 'olderThan', 'reason', 'wait', 'workload']);
  });
});

const report: KillReport = { taskId: 'a', answer: 'killed', was: 'open', pods: [], left: [] };

describe('the answer to a kill', () => {
  it('says what is proved and what is not, Pod by Pod', () => {
    const pods = [
      { name: 'p1', node: 'n1', end: 'terminated' },
      { name: 'p2', node: 'n2', end: 'may_run', nodeState: 'not_ready', why: 'the node is away' },
    ] as const;
    const left = [{ kind: 'Job', name: 'j', why: 'it waits' }] as const;
    expect(showKill({ ...report, answer: 'killed_unproved', pods, left }).split('\n')).toEqual([
      'a is killed, but that nothing of it runs is not proved:',
      '  Pod p1 on n1: its containers ended',
      '  Pod p2 on n2: it may still run; the node is away.',
      '  Job j: it waits.',
      expect.stringMatching(/^next: /),
    ]);
  });

  it('exits with 0 if nothing runs as asked, 6 if it ended otherwise, 8 without proof', () => {
    const answers = [
      'killed',
      'already_terminated',
      'already_cancelled',
      'already_completed',
      'killed_unproved',
    ] as const;
    expect(answers.map(exitOfKill)).toEqual([0, 0, 0, 6, 8]);
  });

  it('of many exits with the worst that happened; that some had ended is none', () => {
    expect(worstOf([0, 6, 0])).toBe(0);
    expect(worstOf([0, 8, 6])).toBe(8);
    expect(worstOf([8, 5, 0])).toBe(5);
    expect(worstOf([])).toBe(0);
  });
});

it('lists what would be killed, with the nodes it is on', () => {
  const since = '2026-01-01T00:00:00.000Z';
  const pods = [{ name: 'p', phase: 'Running', node: 'n' }];
  const lines = showCandidates(
    [{ taskId: 'a', workload: 'command', since, was: 'open', pods }],
    Date.parse(since) + 60_000,
  );
  expect(lines[1]).toMatch(/^a +command +open +1 min 0 s ago +p Running on n$/);
});
