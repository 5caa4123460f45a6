/** What somebody who follows a task is told, by what they have had. */
import { describe, expect, it } from 'vitest';
import { type Cursor, cursorOf, newsOf, type Told } from '../../src/client/news.ts';
import type { Look } from '../../src/client/temporal/look.ts';
import { wireEvent } from '../../src/gateway/wire/event.ts';
import type { TaskView } from '../../src/task-view.ts';
import { RUNNING } from './running-view.ts';

describe('news', () => {
  const sight = (more: Partial<TaskView>, steps: Look['steps'] = []): Look => ({
    view: { ...RUNNING, ...more },
    steps,
    historyLength: 0,
    ...(more.outcome === 'cancelled' && { ending: { outcome: 'cancelled', reason: 'r', started: true } as const }),
  });
  const problem = { code: 'UNSCHEDULABLE', message: 'No node has room yet.' };
  const pod = { name: 'p', phase: 'Running' };
  const told = (seen: Look, from?: Cursor) =>
    newsOf(seen, from).told.map(({ event: { event }, id }) => `${event} ${id !== undefined}`);

  it('are told once; of what is told at once only the last can be gone on from', () => {
    const first = newsOf(sight({ pod, problem }), undefined);
    expect(first.told.map(({ event: { event }, id }) => [event, id !== undefined])).toEqual([
      ['progress', false],
      ['diagnosis', true],
    ]);
    expect(told(sight({ pod, problem }), first.cursor)).toEqual([]);
    expect(told(sight({ pod, problem }), cursorOf(first.told.at(-1)?.id))).toEqual([]);
    expect(told(sight({ pod }), first.cursor)).toEqual(['diagnosis true']);
    expect(told(sight({ problem }), first.cursor)).toEqual([]);
    expect(told(sight({ pod, problem, runId: 'another' }), first.cursor)).toEqual(['progress false', 'diagnosis true']);
  });

  it('have every step that was missed, each as it was then', () => {
    const state = { taskId: 't', workload: 'command', phase: 'provisioning', started: false } as const;
    const steps = [
      { number: 7, state },
      { number: 12, state: { ...state, phase: 'running', started: true } as const },
    ];
    const seen = sight({ outcome: 'cancelled', open: false, phase: 'ended' }, steps);
    const events = newsOf(seen, undefined).told;
    expect(events.map(({ event: { event } }) => event)).toEqual(['phase', 'phase', 'outcome']);
    expect(events[0]).toEqual({ id: 'run.7.-', event: { event: 'phase', phase: 'provisioning', started: false } });
    expect(wireEvent(events[0] as Told, seen.view)).toMatchObject({
      id: 'run.7.-',
      data: { phase: 'provisioning', started: false, outcome: null },
    });
    expect(told(seen, cursorOf('run.7.-'))).toEqual(['phase true', 'outcome true']);
  });
});
