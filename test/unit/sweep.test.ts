import { describe, expect, it } from 'vitest';
import { enumerated, parseCase, randomOf } from '../../lab/sweep/cases.ts';
import type { Glimpse } from '../../lab/sweep/eyes.ts';
import { latePods, type Observed, offences } from '../../lab/sweep/oracle.ts';
import { summarise } from '../../lab/sweep/results.ts';
import { allCases } from '../../lab/sweep/sweep.ts';

const clean: Observed = {
  cancelled: true,
  answer: 'cancelled_running',
  outcome: 'cancelled',
  told: { revision: 100, livePods: [] },
  glimpses: [],
  leftAfterQuiet: [],
};

const glimpse = (more: Partial<Glimpse>): Glimpse => ({
  kind: 'Pod',
  type: 'MODIFIED',
  revision: 50,
  name: 'pod-1',
  uid: 'uid-1',
  live: false,
  ...more,
});

describe('the oracle of the sweep', () => {
  it('has nothing to say of a case that held', () => {
    const glimpses = [glimpse({ kind: 'Job', live: true }), glimpse({ live: true })];
    expect(offences({ ...clean, glimpses })).toEqual([]);
    expect(offences({ ...clean, cancelled: false, answer: undefined, outcome: 'succeeded' })).toEqual([]);
  });

  it.each<[string, Partial<Observed>]>([
    ['a container ran after the answer', { glimpses: [glimpse({ revision: 101, live: true })] }],
    ['was not ended when the outcome was told', { told: { revision: 100, livePods: ['pod-1'] } }],
    ['there was a Pod', { answer: 'cancelled_before_start', glimpses: [glimpse({})] }],
    ['answered already_completed', { answer: 'already_completed' }],
    ['answered cancelled_running, but the record says succeeded', { outcome: 'succeeded' }],
    ['not cancelled, and yet failed', { cancelled: false, answer: undefined, outcome: 'failed' }],
    [
      '2 Jobs of one task were started',
      {
        glimpses: [glimpse({ kind: 'Job', live: true }), glimpse({ kind: 'Job', live: true, uid: 'uid-2' })],
      },
    ],
    ['left after quiet: hf-x', { leftAfterQuiet: ['hf-x'] }],
  ])('notices: %s', (sentence, change) => {
    expect(offences({ ...clean, ...change }).join()).toContain(sentence);
  });

  it('counts a Pod that was made after the answer and never ran', () => {
    const seen = { ...clean, glimpses: [glimpse({ type: 'ADDED', revision: 101 })] };
    expect(latePods(seen)).toBe(1);
    expect(offences(seen)).toEqual([]);
  });
});

describe('the cases of the sweep', () => {
  it('are every fault at every request with every moment of the cancel, each once, and again from its name', () => {
    const cases = enumerated(20);
    expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
    expect(cases).toHaveLength(18 * 20 * 4);
    for (const item of cases) expect(parseCase(item.id)).toEqual(item);
  });

  it('come in the same order each time, then by seed', () => {
    const ids = () =>
      allCases(2)
        .take(200)
        .toArray()
        .map(({ id }) => id);
    expect(ids()).toEqual(ids());
    expect(ids().at(-1)).toBe('storm:56');
    expect(randomOf(7)()).toBe(randomOf(7)());
  });

  it('are refused with a sentence when they are none', () => {
    expect(() => parseCase('hold@x')).toThrow(/write e\.g\./);
  });
});

it('a sweep is summed up by what held, what did not, and what was answered', () => {
  const result = {
    id: 'seed:1',
    offences: [],
    cancelled: true,
    answer: 'cancelled_running',
    latePods: 0,
    requests: 9,
    ms: 5,
    holdfast: 'abc',
    on: '2026-11-22',
  };
  const summary = summarise([result, { ...result, id: 'storm:2', offences: ['left after quiet: x'], ms: 7 }]);
  expect(summary).toMatchObject({ cases: 2, held: 1, answers: { cancelled_running: 2 }, p50: 7 });
  expect(summary).toMatchObject({ versions: { abc: 2 }, days: ['2026-11-22'] });
  expect(Object.values(summary.byKind)).toEqual([1, 1]);
  expect(summary.failed.map(({ id }) => id)).toEqual(['storm:2']);
});
