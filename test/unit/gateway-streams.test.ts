/** What streams cost: one look for all who listen, and a bound on what a slow reader holds. */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Feeds, type Seen } from '../../src/gateway/streams/feed.ts';
import { hadOf } from '../../src/gateway/streams/follow.ts';
import { type Cursor, cursorOf, newsOf } from '../../src/gateway/streams/news.ts';
import type { Sight } from '../../src/gateway/streams/sight.ts';
import { BUFFER, unlessStuck, written } from '../../src/gateway/streams/sse.ts';
import type { TaskView } from '../../src/task-view.ts';

const never = new AbortController().signal;

/** Counts up to `last`, one at each look. */
function counting(last: number) {
  let looks = 0;
  const look = async (_: string, before: number | undefined): Promise<Seen<number>> => {
    looks += 1;
    const value = (before ?? 0) + 1;
    return { value, mark: String(value), over: value === last };
  };
  return { feeds: new Feeds({ look, pause: () => 1 }), looks: () => looks };
}

describe('a feed', () => {
  it('costs a thousand listeners what it costs one, and each hears the end', async () => {
    const { feeds, looks } = counting(20);
    const listeners = Array.from({ length: 1_000 }, () => Array.fromAsync(feeds.follow('a', never, 1_000)));
    const heard = await Promise.all(listeners);
    expect(looks()).toBe(20);
    for (const values of heard) {
      expect(values.at(-1)).toBe(20);
      expect(values).toEqual([...new Set(values)]);
    }
    expect(feeds.size).toBe(0);
  });

  it('is not looked at when nobody listens any more', async () => {
    const { feeds, looks } = counting(Infinity);
    const gone = new AbortController();
    for await (const value of feeds.follow('a', gone.signal, 1_000)) if (value === 3) gone.abort();
    while (feeds.size > 0) await sleep(1);
    const after = looks();
    // It looked each millisecond: a look that still comes would come within these.
    await sleep(20);
    expect(looks()).toBe(after);
  });

  it('gives a sign of life while nothing changes, and what was thrown to whoever listens', async () => {
    const look = async (): Promise<Seen<number>> => ({ value: 1, mark: 'same', over: false });
    const still = new Feeds({ look, pause: () => 1 });
    const heard: (number | undefined)[] = [];
    const gone = new AbortController();
    for await (const value of still.follow('a', gone.signal, 5)) if (heard.push(value) === 3) gone.abort();
    expect(heard).toEqual([1, undefined, undefined]);
    const broken = new Feeds({ look: () => Promise.reject(new Error('no such task')), pause: () => 1 });
    await expect(Array.fromAsync(broken.follow('a', never, 5))).rejects.toThrow('no such task');
  });
});

describe('a reader that does not read', () => {
  async function* endless(made: { bytes: number }): AsyncGenerator<string> {
    for (const piece = 'x'.repeat(1_000); ; made.bytes += piece.length) yield piece;
  }

  it('holds no more than the bound and one piece, and is cut', async () => {
    const made = { bytes: 0 };
    const cut = Promise.withResolvers<void>();
    const stream = Readable.from(unlessStuck(endless(made), 20, cut.resolve), {
      objectMode: false,
      highWaterMark: BUFFER,
    });
    stream.read(0);
    await cut.promise;
    expect(made.bytes).toBeLessThanOrEqual(BUFFER + 1_000);
    stream.destroy();
  });

  it('is not cut as long as it takes something', async () => {
    const made = { bytes: 0 };
    let cuts = 0;
    for await (const _ of unlessStuck(endless(made), 200, () => (cuts += 1))) {
      await sleep(1);
      if (made.bytes > 50_000) break;
    }
    expect(cuts).toBe(0);
  });
});

describe('news', () => {
  const sight = (more: Partial<TaskView>, steps: Sight['steps'] = []): Sight => ({
    view: {
      taskId: 't',
      runId: 'run',
      workload: 'command',
      phase: 'running',
      started: true,
      open: true,
      cancelRequested: false,
      startedAt: '2026-01-01T00:00:00.000Z',
      ...more,
    },
    steps,
    historyLength: 0,
    logs: undefined,
  });
  const problem = { code: 'UNSCHEDULABLE', message: 'No node has room yet.' };
  const pod = { name: 'p', phase: 'Running' };
  const told = (seen: Sight, from?: Cursor) =>
    newsOf(seen, from).events.map(({ event, id }) => `${event} ${id !== undefined}`);

  it('are told once; of what is told at once only the last can be gone on from', () => {
    const first = newsOf(sight({ pod, problem }), undefined);
    expect(first.events.map(({ event, id }) => [event, id !== undefined])).toEqual([
      ['progress', false],
      ['diagnosis', true],
    ]);
    expect(told(sight({ pod, problem }), first.cursor)).toEqual([]);
    expect(told(sight({ pod, problem }), cursorOf(first.events.at(-1)?.id))).toEqual([]);
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
    const { events } = newsOf(seen, undefined);
    expect(events.map(({ event }) => event)).toEqual(['phase', 'phase', 'outcome']);
    expect(events[0]).toMatchObject({ id: 'run.7.-', data: { phase: 'provisioning', started: false, outcome: null } });
    expect(told(seen, cursorOf('run.7.-'))).toEqual(['phase true', 'outcome true']);
  });
});

describe('the id of an event', () => {
  it('that is of nothing we sent counts as none', () => {
    for (const id of [undefined, '', 'x', 'a.b.c', `${'r'.repeat(65)}.1.-`, 'r.1.', 'r.-1.x'])
      expect(cursorOf(id)).toBeUndefined();
    expect(cursorOf('run-1.12.ab-cd')).toEqual({ runId: 'run-1', step: 12, seen: 'ab-cd' });
    expect([...hadOf('../../etc/passwd@x;pod.main.log@12;b.log@7')]).toEqual([
      ['pod.main.log', 12],
      ['b.log', 7],
    ]);
  });

  it('and its data are one line each, whatever is in them', () => {
    const text = written({ id: 'i', event: 'line', data: { text: 'a\nb\r\u2028' } });
    expect(text.split('\n')).toHaveLength(5);
  });
});
