/** What streams cost: one look for all who listen, and a bound on what a slow reader holds. */
import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import { cursorOf } from '../../src/client/news.ts';
import { Feeds, type Seen } from '../../src/gateway/streams/feed.ts';
import { hadOf } from '../../src/gateway/streams/follow.ts';
import { BUFFER, unlessStuck, written } from '../../src/gateway/streams/sse.ts';

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
    const looked: string[] = [];
    const look = async (key: string, before = 0): Promise<Seen<number>> => {
      looked.push(key);
      return { value: before + 1, mark: String(before), over: key === 'b' && before === 20 };
    };
    const feeds = new Feeds({ look, pause: () => 1 });
    const gone = new AbortController();
    for await (const value of feeds.follow('a', gone.signal, 1_000)) if (value === 3) gone.abort();
    await until('nothing is looked at', () => feeds.size === 0);
    const before = looked.length;
    // While another is looked at twenty times and one, the first would be, too.
    await Array.fromAsync(feeds.follow('b', never, 1_000));
    expect(looked.slice(before)).toEqual(Array.from({ length: 21 }, () => 'b'));
  });

  it('keeps nothing of the waits of a stream that goes on for long', async () => {
    const { signal } = new AbortController();
    const promises: number[] = [];
    for await (const value of counting(300).feeds.follow('a', signal, 1_000))
      if (value === 100 || value === 300) promises.push(Number(queryObjects(Promise)));
    const [early = 0, late = 0] = promises;
    expect(late - early).toBeLessThan(100);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('ends at the signal while nothing changes, too', async () => {
    const look = async (): Promise<Seen<number>> => ({ value: 1, mark: 'same', over: false });
    const still = new Feeds({ look, pause: () => 1 });
    expect(await Array.fromAsync(still.follow('a', AbortSignal.timeout(20), 60_000))).toEqual([1]);
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
