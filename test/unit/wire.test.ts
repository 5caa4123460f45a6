/** What goes over the wire and comes back is what it was. */
import { describe, expect, it } from 'vitest';
import { outcomeFrom, viewFrom } from '../../src/client/http/from-wire.ts';
import type { TaskOutcome } from '../../src/client.ts';
import { result, task, wireResult, wireTask } from '../../src/gateway/wire/task.ts';
import type { TaskView } from '../../src/task-view.ts';
import { RUNNING } from './running-view.ts';

const bare: TaskView = { ...RUNNING, phase: 'provisioning', started: false };
const job = { namespace: 'n', name: 'j', uid: 'u' };
const problem = { code: 'UNSCHEDULABLE', message: 'No node.', next: 'Add one.', facts: { node: 'n', count: 3 } };
const full: TaskView = {
  ...bare,
  phase: 'releasing',
  started: true,
  cancelRequested: true,
  cancel: { reason: 'enough', at: '2026-01-01T00:00:01.000Z' },
  job,
  pod: { name: 'p', node: 'n', phase: 'Running' },
  progress: { done: 1, total: 2, note: 'one' },
  problem,
  waitingFor: 'Pod p, Job j',
  retried: { times: 2, because: { code: 'EVICTED', message: 'Taken away.' } },
};
const over = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('a task', () => {
  it.each([
    ['nothing is known of yet', bare],
    ['everything is known of', full],
    ['a cancel has been recorded and not heard of', { ...bare, cancelRequested: true }],
    ['has ended', { ...bare, open: false, outcome: 'timed_out', phase: 'ended', closedAt: bare.startedAt } as const],
  ])('that %s comes back whole', (_, view) => {
    const wire = wireTask(view);
    expect(task.parse(wire)).toEqual(wire);
    expect(viewFrom(over(wire))).toEqual(view);
  });

  it('that somebody else started, with facts of every kind, does not keep the others from being listed', () => {
    const facts = { total: 2, problems: [{ field: 'image', message: 'is wrong.' }] } as unknown as { total: number };
    const wire = wireTask({ ...bare, problem: { ...problem, facts } });
    expect(task.parse(wire).diagnosis).toMatchObject({ message: 'No node.', facts: { total: 2 } });
  });
});

describe('an outcome', () => {
  const output = { exitCode: 0 } as const;
  it.each<TaskOutcome>([
    { outcome: 'succeeded', result: { taskId: 't', workload: 'command', outcome: 'succeeded', output, job } },
    {
      outcome: 'succeeded',
      result: {
        taskId: 't',
        workload: 'command',
        outcome: 'succeeded',
        output,
        job,
        startedAt: '2026-01-01T00:00:00Z',
        finishedAt: '2026-01-01T00:00:01Z',
      },
    },
    { outcome: 'failed', problem },
    { outcome: 'cancelled', reason: 'enough', started: true },
    { outcome: 'cancelled', reason: '', started: false },
    { outcome: 'terminated' },
    { outcome: 'timed_out' },
  ])('%j comes back whole', (ending) => {
    const started = ending.outcome === 'cancelled' ? ending.started : true;
    const wire = wireResult({ ...bare, open: false, phase: 'ended', outcome: ending.outcome, started }, ending);
    expect(result.parse(wire)).toEqual(wire);
    expect(outcomeFrom(over(wire))).toEqual(ending);
  });

  it.each([
    [
      'of an evaluation',
      {
        ...{ problems: 1, samples: 1, passed: 0, failed: 1, timedOut: 0, passAtK: { 1: 0 }, resultsLeftOut: 0 },
        results: [{ task_id: 'p', index: 0, verdict: 'failed', seconds: 0.5, reason: 'it raised' }],
        unattempted: { count: 1, first: ['q'] },
      } as const,
    ],
    ["that has more than another workload's", { exitCode: 0, words: 5 } as const],
  ])('%s goes out whole', (_, output) => {
    const succeeded = { taskId: 't', workload: 'command', outcome: 'succeeded', output, job } as const;
    const wire = wireResult({ ...bare, outcome: 'succeeded' }, { outcome: 'succeeded', result: succeeded });
    expect(result.parse(wire).output).toEqual(output);
  });

  it('of a task that has not ended is none', () => {
    expect(outcomeFrom(over(wireResult(full)))).toBeUndefined();
  });
});
