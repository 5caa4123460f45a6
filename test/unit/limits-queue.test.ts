import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Claim, Limits } from '../../src/limits/contract.ts';
import {
  asked,
  cut,
  freed,
  heldBy,
  letIn,
  nextIn,
  NOBODY,
  type Queue,
  stateOf,
  told,
  untellable,
  untold,
} from '../../src/limits/queue.ts';

const claim = (run: string, tenant = 'a', priority = 3): Claim => ({ run, taskId: `task of ${run}`, tenant, priority });
const runsOf = (claims: readonly Claim[]) => claims.map(({ run }) => run);
const queueOf = (limits: Limits, ...claims: readonly Claim[]): Queue => claims.reduce(asked, { ...NOBODY, limits });

/** What may happen to a queue, in any order, said twice or not. */
type Deed =
  | { readonly ask: Claim }
  | { readonly free: string }
  | { readonly limits: Limits }
  | { readonly let: number };

const run = fc.integer({ min: 0, max: 11 }).map((number) => `run-${number}`);
/** A run has one tenant and one priority for ever. */
const someClaim = run.map((name) => {
  const number = Number(name.slice(4));
  return claim(name, ['a', 'b', 'c'][number % 3], 1 + (number % 5));
});
const someLimits: fc.Arbitrary<Limits> = fc.record(
  { running: fc.integer({ min: 1, max: 5 }), perTenant: fc.integer({ min: 1, max: 3 }) },
  { requiredKeys: [] },
);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 4, arbitrary: someClaim.map((ask) => ({ ask })) },
  { weight: 3, arbitrary: run.map((free) => ({ free })) },
  { weight: 1, arbitrary: someLimits.map((limits) => ({ limits })) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 4 }).map((count) => ({ let: count })) },
);

function done(queue: Queue, what: Deed): Queue {
  if ('ask' in what) return asked(queue, what.ask);
  if ('free' in what) return freed(queue, what.free);
  return 'limits' in what ? { ...queue, limits: what.limits } : letIn(queue, what.let);
}

const holds = (queue: Queue, tenant: string) => queue.held.filter((slot) => slot.tenant === tenant).length;

describe('whatever is asked, freed and limited, in whatever order', () => {
  const any = (property: (before: Queue, what: Deed, after: Queue) => void) =>
    fc.assert(
      fc.property(someLimits, fc.array(deed, { maxLength: 60 }), (limits, deeds) => {
        let queue: Queue = { ...NOBODY, limits };
        for (const what of deeds) {
          const after = done(queue, what);
          property(queue, what, after);
          queue = after;
        }
      }),
      { numRuns: 400 },
    );

  it('nobody is let in beyond a limit', () => {
    any((before, _, after) => {
      const { running = Infinity, perTenant = Infinity } = after.limits;
      const added = after.held.filter((slot) => !runsOf(before.held).includes(slot.run));
      if (added.length === 0) return;
      expect(after.held.length).toBeLessThanOrEqual(running);
      for (const { tenant } of added) expect(holds(after, tenant)).toBeLessThanOrEqual(perTenant);
    });
  });

  it('nobody waits while there is a slot that it may have', () => {
    any((_, __, after) => {
      const full = letIn(after, Infinity);
      const { running = Infinity, perTenant = Infinity } = full.limits;
      for (const { tenant } of full.waiting)
        expect(full.held.length >= running || holds(full, tenant) >= perTenant).toBe(true);
    });
  });

  it('a run has one place or one slot, never two, and is lost only if it is freed', () => {
    any((before, what, after) => {
      const all = [...runsOf(after.held), ...runsOf(after.waiting)];
      expect(new Set(all).size).toBe(all.length);
      const missing = [...runsOf(before.held), ...runsOf(before.waiting)].filter((name) => !all.includes(name));
      expect(missing.every((name) => 'free' in what && what.free === name)).toBe(true);
    });
  });

  it('asked or freed twice is asked or freed once', () => {
    any((_, what, after) => {
      if ('ask' in what) {
        expect(runsOf(asked(after, what.ask).held)).toEqual(runsOf(after.held));
        expect(runsOf(asked(after, what.ask).waiting)).toEqual(runsOf(after.waiting));
      }
      if ('free' in what) expect(freed(after, what.free)).toEqual(after);
    });
  });

  it('who is next has the highest priority, then the tenant with the fewest slots, then came first', () => {
    any((_, __, queue) => {
      const next = nextIn(queue);
      if (next === undefined) return;
      const { perTenant = Infinity } = queue.limits;
      const may = queue.waiting.filter(({ tenant }) => holds(queue, tenant) < perTenant);
      const rank = (one: Claim) => [one.priority, holds(queue, one.tenant), queue.waiting.indexOf(one)] as const;
      const [first] = may.toSorted((a, b) => {
        const [x, y] = [rank(a), rank(b)];
        return x[0] - y[0] || x[1] - y[1] || x[2] - y[2];
      });
      expect(next).toEqual(first);
    });
  });
});

describe('a queue', () => {
  it('lets a tenant with one task in next, though another has a thousand before it', () => {
    const many = Array.from({ length: 1_000 }, (_, index) => claim(`many-${index}`, 'greedy'));
    const queue = letIn(queueOf({ running: 2 }, ...many), Infinity);
    const after = letIn(freed(asked(queue, claim('one', 'modest')), 'many-0'), Infinity);
    expect(runsOf(after.held)).toEqual(['many-1', 'one']);
  });

  it('gives tenants of one priority equal shares, however many tasks each brings', () => {
    const bring = (tenant: string, count: number) =>
      Array.from({ length: count }, (_, index) => claim(`${tenant}-${index}`, tenant));
    const queue = letIn(queueOf({ running: 9 }, ...bring('a', 100), ...bring('b', 10), ...bring('c', 3)), Infinity);
    expect(stateOf(queue).tenants).toEqual({
      a: { held: 3, waiting: 97 },
      b: { held: 3, waiting: 7 },
      c: { held: 3, waiting: 0 },
    });
  });

  it('keeps nobody waiting behind a tenant that has all it may have', () => {
    const queue = letIn(queueOf({ perTenant: 1 }, claim('a1', 'a', 1), claim('a2', 'a', 1), claim('b1', 'b', 5)), 9);
    expect(runsOf(queue.held)).toEqual(['a1', 'b1']);
  });

  it('lets everybody in when the limits are gone, and nobody while they are lower than what is held', () => {
    const queue = letIn(queueOf({ running: 2 }, claim('1'), claim('2'), claim('3')), 9);
    expect(runsOf(letIn({ ...queue, limits: {} }, 9).held)).toEqual(['1', '2', '3']);
    expect(runsOf(letIn(freed({ ...queue, limits: { running: 1 } }, '1'), 9).held)).toEqual(['2']);
  });

  it('tells each grant once, and again if it is asked again', () => {
    const queue = letIn(queueOf({}, claim('1')), 9);
    expect(untold(queue)).toMatchObject([{ run: '1', grant: 'new' }]);
    expect(untold(told(queue, '1'))).toEqual([]);
    expect(untold(asked(told(queue, '1'), claim('1')))).toMatchObject([{ run: '1', grant: 'again' }]);
  });

  it('gives the slot of a run that could not be told to the next, but not one that may be in use', () => {
    const queue = letIn(queueOf({ running: 1 }, claim('1'), claim('2')), 9);
    expect(runsOf(letIn(untellable(queue, '1'), 9).held)).toEqual(['2']);
    const asksAgain = asked(told(queue, '1'), claim('1'));
    expect(untellable(asksAgain, '1').held).toMatchObject([{ run: '1', grant: 'told' }]);
    expect(untellable(asked(queue, claim('1')), '1').held).toEqual([]);
  });

  it('begins with those who hold a slot already, and tells those of them who ask', () => {
    const begun = { ...heldBy([claim('1'), claim('2')]), limits: { running: 2 } };
    expect(untold(begun)).toEqual([]);
    const queue = letIn([claim('1'), claim('3')].reduce(asked, begun), 9);
    expect(untold(queue)).toMatchObject([{ run: '1', grant: 'again' }]);
    expect(runsOf(queue.waiting)).toEqual(['3']);
  });

  it('is cut to a size by leaving out who came last, and never a slot', () => {
    const claims = Array.from({ length: 100 }, (_, index) => claim(`run-${index}`, 'ä'));
    const queue = letIn(queueOf({ running: 10 }, ...claims), 10);
    const short = cut(queue, 4_000);
    expect(short.held).toEqual(queue.held);
    expect(short.waiting.length).toBeGreaterThan(0);
    expect(short.waiting).toEqual(queue.waiting.slice(0, short.waiting.length));
    expect(Buffer.byteLength(JSON.stringify([...short.held, ...short.waiting]))).toBeLessThanOrEqual(4_001);
    expect(cut(queue, 1).held).toEqual(queue.held);
    expect(cut(queue, 1e6)).toEqual(queue);
  });
});
