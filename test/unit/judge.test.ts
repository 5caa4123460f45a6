import { describe, expect, it } from 'vitest';
import { judge, type Suspect } from '../../src/sweeper/judge.ts';
import type { TaskStanding } from '../../src/task-standing.ts';

const suspect: Suspect = { run: 'hf-a', temporalNamespaceId: 'ours', uids: ['1', '2'] };
const STANDINGS: readonly TaskStanding[] = ['open', 'closed', 'absent', 'unknown'];

describe('the sweeper', () => {
  it.each(STANDINGS)('keeps what names another Temporal, though the task is %s here', (standing) => {
    expect(judge(suspect, standing, 'another', suspect)).toEqual({ do: 'keep', because: 'of another Temporal' });
  });

  it.each([
    ['open', 'task is open'],
    ['unknown', 'Temporal is not sure'],
  ] as const)('keeps everything of a task that is %s, however often it was suspected', (standing, because) => {
    expect(judge(suspect, standing, 'ours', suspect)).toEqual({ do: 'keep', because });
  });

  it.each(['closed', 'absent'] as const)('releases what a task that is %s left, at the second look', (standing) => {
    expect(judge(suspect, standing, 'ours', undefined)).toMatchObject({ do: 'watch' });
    expect(judge(suspect, standing, 'ours', suspect)).toEqual({ do: 'release' });
  });

  it.each([
    ['an object came', { ...suspect, uids: ['1', '2', '3'] }],
    ['an object went', { ...suspect, uids: ['1'] }],
    ['an object was made anew', { ...suspect, uids: ['1', '9'] }],
    ['it is another run', { ...suspect, run: 'hf-b' }],
  ])('looks once more when meanwhile %s', (_, before) => {
    expect(judge(suspect, 'closed', 'ours', before)).toMatchObject({ do: 'watch' });
  });
});
