/** Which runs of a task whoever provisions or releases removes besides its own. */
import { expect, it } from 'vitest';
import { earlierThan } from '../../src/activities/other-runs.ts';

const run = (runId: string, attempt: number) => ({ runId, attempt, name: `${runId}-${attempt}` });
const named = (own: ReturnType<typeof run>, runs: readonly ReturnType<typeof run>[]) =>
  earlierThan({ run: own, name: own.name }, runs).map(({ name }) => name);

it('those of earlier runs and attempts, and not its own', () => {
  expect(named(run('new', 2), [run('old', 1), run('old', 3), run('new', 1), run('new', 2)])).toEqual([
    'old-1',
    'old-3',
    'new-1',
  ]);
});

it('never a later attempt of the same run: a zombie of the first may wake while the second runs', () => {
  expect(named(run('new', 1), [run('new', 2), run('new', 3)])).toEqual([]);
});
