/** The laboratory's judge of cancels, its aim, and what it says of them. */
import { describe, expect, it } from 'vitest';
import { Aim } from '../../lab/cancels/aim.ts';
import { type Seen, untruths } from '../../lab/cancels/judge.ts';
import { summarise } from '../../lab/cancels/results.ts';
import { cancelsSection } from '../../lab/report/cancels-section.ts';
import type { WireCancel } from '../../src/gateway/wire/cancel.ts';

const [REQUESTED, CLOSED] = ['2026-01-01T00:00:01.000Z', '2026-01-01T00:00:02.000Z'];
const request = { at: REQUESTED, reason: 'enough' };

const bodies = {
  cancelled: {
    status: 'cancelled',
    outcome: 'cancelled',
    completed_at: CLOSED,
    cancelled_at: CLOSED,
    requested_at: REQUESTED,
    cancellation_reason: 'enough',
  },
  completed: {
    status: 'already_completed',
    outcome: 'succeeded',
    completed_at: CLOSED,
    cancelled_at: null,
    requested_at: null,
    cancellation_reason: null,
  },
} as const satisfies Record<string, Partial<WireCancel>>;

const CANCELLED: Seen = {
  id: 'a',
  told: { status: 200, body: bodies.cancelled },
  unsettled: 0,
  again: { status: 200, body: { ...bodies.cancelled, status: 'already_cancelled' } },
  recorded: { closed: 'cancelled', closedAt: CLOSED, request },
  job: 'stopped',
};
const BEFORE: Seen = {
  id: 'b',
  told: { status: 200, body: bodies.completed },
  unsettled: 0,
  again: { status: 200, body: bodies.completed },
  recorded: { closed: 'completed', closedAt: CLOSED },
  job: 'succeeded',
};
const outrun = { status: 200, body: { ...bodies.completed, requested_at: REQUESTED, cancellation_reason: 'enough' } };
const OUTRUN: Seen = { ...BEFORE, told: outrun, again: outrun, recorded: { ...BEFORE.recorded, request } };

describe('the judge of cancels', () => {
  it('finds nothing untrue in what history and the Job say, too', () => {
    for (const seen of [CANCELLED, BEFORE, OUTRUN]) expect(untruths(seen)).toEqual([]);
    const later = { ...CANCELLED, told: CANCELLED.again, unsettled: 1 };
    expect(untruths(later)).toEqual([]);
    expect(untruths({ ...later, unsettled: 0 })).toHaveLength(1);
  });

  it.each([
    ['a 404', { ...BEFORE, told: { status: 404, body: {} } }],
    ['a 404 to the second', { ...BEFORE, again: { status: 404, body: {} } }],
    ['"cancelled" of a task that completed', { ...OUTRUN, told: CANCELLED.told }],
    ['"completed" of a task that was cancelled', { ...CANCELLED, told: BEFORE.told }],
    ['"cancelled" though the Job had ended by itself', { ...CANCELLED, job: 'succeeded' }],
    ['"completed" though the Job was stopped', { ...BEFORE, job: 'stopped' }],
    ['another ending than either', { ...BEFORE, recorded: { ...BEFORE.recorded, closed: 'otherwise' } }],
    [
      'a reason that nobody gave',
      { ...OUTRUN, again: { status: 200, body: { ...outrun.body, cancellation_reason: '' } } },
    ],
    ['a wrong moment', { ...BEFORE, told: { status: 200, body: { ...bodies.completed, completed_at: REQUESTED } } }],
  ] as const)('calls %s untrue', (_, seen) => {
    expect(untruths(seen).length).toBeGreaterThan(0);
  });
});

describe('the aim', () => {
  it('is spread around the moment at which a cancel that is sent then is recorded with the completion', () => {
    const aimed = (random: number) => {
      const aim = new Aim(() => random);
      for (let n = 0; n < 60; n += 1) aim.learn({ recordedIn: 30, completedIn: 100 });
      return aim.next();
    };
    expect([aimed(0), aimed(0.5), aimed(1)]).toEqual([-180, -30, 120]);
  });
});

it('says how many there were of each, and what was untrue', () => {
  const timed = { sentAfter: -10, answeredIn: 100 };
  const played = [CANCELLED, BEFORE, OUTRUN, { ...BEFORE, told: { status: 404, body: {} } }];
  const summary = summarise(played.map((seen) => ({ ...seen, ...timed })));
  expect(summary).toMatchObject({
    cases: 4,
    notFound: 1,
    untrue: [{ id: 'b', why: ['it was answered with 404'] }],
    outcomes: { cancelled: 1, outrun: 1, before: 2 },
    sentAfter: { p50: -10 },
  });
  const page = cancelsSection({
    kind: 'cancels',
    measuredAt: CLOSED,
    versions: { temporal: '1', node: 'v24', holdfast: 'abc' },
    machine: { cores: 2, load: 1 },
    atOnce: 8,
    seconds: 2,
    unplayed: 0,
    ...summary,
  }).join('\n');
  expect(page).toContain('| **untrue answers** | **1** |');
  expect(page).toContain('| **answers of 404** | **1** |');
});
