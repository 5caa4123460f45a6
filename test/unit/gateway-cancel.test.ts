/** What a cancel does when the ground moves under it; the rest of it is told in test/workflow/gateway.test.ts. */
import { describe, expect, it } from 'vitest';
import type { HoldfastClient } from '../../src/client.ts';
import type { CancelAnswer } from '../../src/contract.ts';
import { requestCancel } from '../../src/gateway/cancel.ts';
import type { Deps } from '../../src/gateway/deps.ts';
import type { TaskView } from '../../src/task-view.ts';

/** Answers in turn: what each cancel is told, and what is seen after it. */
function played(...turns: readonly (readonly [CancelAnswer, Partial<TaskView>])[]) {
  const asked: string[] = [];
  const left = [...turns];
  const client = {
    temporal: { withDeadline: (_: number, fn: () => Promise<unknown>) => fn() },
    cancel: async () => (asked.push('cancel'), left[0]?.[0]),
    describe: async () => ({ taskId: 't', cancelRequested: false, started: false, ...left.shift()?.[1] }),
  } as unknown as HoldfastClient;
  return { deps: { client } as Deps, asked };
}

const wish = { reason: 'r', by: 'b', wait: 0, signal: new AbortController().signal };

describe('a cancel that a Reset overtakes', () => {
  it.each(['already_completed', 'cancelling'] as const)('is asked for again of the new run (%s)', async (said) => {
    const { deps, asked } = played([said, { open: true }], ['cancelling', { open: true, cancelRequested: true }]);
    expect(await requestCancel(deps, 't', wish)).toMatchObject({
      status: 'cancelling',
      view: { cancelRequested: true },
    });
    expect(asked).toEqual(['cancel', 'cancel']);
  });

  it('is not asked for without end', async () => {
    const { deps, asked } = played(['cancelling', { open: true }], ['cancelling', { open: true }]);
    expect(await requestCancel(deps, 't', wish)).toMatchObject({ status: 'cancelling' });
    expect(asked).toHaveLength(2);
  });
});

it.each([
  ['cancelling', 'cancelled', 'cancelled'],
  ['already_cancelled', 'cancelled', 'already_cancelled'],
  ['cancelling', 'succeeded', 'already_completed'],
  ['already_completed', 'succeeded', 'already_completed'],
  ['cancelling', 'failed', 'already_failed'],
  ['cancelling', 'terminated', 'already_terminated'],
  ['cancelling', 'timed_out', 'already_timed_out'],
] as const)('asked for with %s, of a task that is %s then, is answered %s', async (said, outcome, status) => {
  const { deps } = played([said, { open: false, outcome }]);
  expect((await requestCancel(deps, 't', wish)).status).toBe(status);
});
