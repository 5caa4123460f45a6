/** Output as it comes: in pieces, over streams that break. The log store is real; only the cluster's side is played. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import type { JobsApi } from '../../src/kubernetes/jobs-api.ts';
import type { LogRequest } from '../../src/kubernetes/read-log.ts';
import { Collector, type Source } from '../../src/logs/collector.ts';
import { logFile, LogStore } from '../../src/logs/store.ts';

let root: string;
let store: LogStore;
let count = 0;
const opened: Collector[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-collector-'));
  store = new LogStore(root);
});
afterEach(() => opened.splice(0).forEach((collector) => collector.close()));
afterAll(() => rm(root, { recursive: true }));

type Piece = Uint8Array | string | Error;
/** What one request for the log brings, piece by piece. */
type Stream = readonly Piece[];

const time = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000000Z`;
const row = (second: number, text = `line ${second}`) => `${time(second)} ${text}\n`;
const lost = new ApiError('unclear', 'socket hang up');

/** By the number of the request, from 1; and the requests that came. */
function logs(streamOf: (nth: number) => Stream): { readonly api: JobsApi; readonly requests: readonly LogRequest[] } {
  const requests: LogRequest[] = [];
  const api = {
    async *readLog(request: LogRequest) {
      requests.push(request);
      for (const piece of streamOf(requests.length)) {
        if (piece instanceof Error) throw piece;
        yield typeof piece === 'string' ? Buffer.from(piece) : piece;
      }
    },
  } as unknown as JobsApi;
  return { api, requests };
}

interface Collected {
  readonly texts: readonly string[];
  readonly requests: readonly LogRequest[];
  readonly source: Source;
}

/** Collects one container that has ended when its last stream has begun. */
async function collected(streams: readonly Stream[], endedFrom = streams.length - 1, of?: Source): Promise<Collected> {
  const { api, requests } = logs((nth) => streams[nth - 1] ?? []);
  const collector = new Collector(api, store);
  opened.push(collector);
  const source = { ...(of ?? sourceOf()), ended: async () => requests.length >= endedFrom };
  await collector.collect(source).drained;
  const lines = store.lines(source.run, logFile('pod', 'task'));
  return { texts: await Array.fromAsync(lines, ({ text }) => text), requests, source };
}

function sourceOf(ended = async () => true): Source {
  const run = { task: `task-${(count += 1)}`, run: 'hf-a' };
  return {
    run,
    pod: 'pod',
    podUid: `uid-${count}`,
    container: 'task',
    ended,
    gone: async () => false,
    changed: async () => undefined,
  };
}

describe('a collection', () => {
  it('stores every line of a container that has ended, with one request', async () => {
    const { texts, requests } = await collected([[row(1), row(2)]]);
    expect(texts).toEqual(['line 1', 'line 2']);
    expect(requests).toEqual([{ pod: 'pod', container: 'task', follow: false }]);
  });

  it('follows while the container runs, and then asks for what came last', async () => {
    const { texts, requests } = await collected([[row(1)], [row(1), row(2)]]);
    expect(texts).toEqual(['line 1', 'line 2']);
    expect(requests).toEqual([
      { pod: 'pod', container: 'task', follow: true },
      { pod: 'pod', container: 'task', follow: false, since: time(1) },
    ]);
  });

  it('goes on after streams that break, however many while the container runs, and says nothing twice', async () => {
    const more = [
      [row(1), row(2), lost],
      [row(2), row(3)],
    ];
    const broken = [[row(1), `${time(2)} li`, lost], [lost], [lost], [lost], ...more];
    const { texts, requests } = await collected(broken);
    expect(texts).toEqual(['line 1', 'line 2', 'line 3']);
    const since = requests.map((request) => request.since);
    expect(since).toEqual([undefined, ...Array.from({ length: 4 }, () => time(1)), time(2)]);
  });

  it('gives the same text however the bytes are cut, inside characters too', async () => {
    const whole = Buffer.from(row(1, 'é 日本') + row(2, '🦀🦀') + row(3, ''));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat({ max: whole.length }), { maxLength: 12 }), async (cuts) => {
        const bounds = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        const pieces = bounds.slice(1).map((end, index) => whole.subarray(bounds[index], end));
        expect((await collected([pieces])).texts).toEqual(['é 日本', '🦀🦀', '']);
      }),
      { numRuns: 50 },
    );
  });

  it('takes a last line that has no line end', async () => {
    expect((await collected([[row(1), `${time(2)} the end`]])).texts).toEqual(['line 1', 'the end']);
  });

  it('cuts a line that is too long to keep, says so, and goes on with the next', async () => {
    const piece = 'x'.repeat(50_000);
    const { texts } = await collected([[`${time(1)} ${piece}`, piece, piece, `end\n${row(2)}`]]);
    expect(texts).toHaveLength(2);
    expect(texts[0]?.slice(-60)).toMatch(/x \[holdfast\] line cut here at 65536 characters$/);
    expect(texts[0]?.length).toBeLessThan(66_000);
    expect(texts[1]).toBe('line 2');
  });

  it('cuts a line that is too long however it arrives', async () => {
    const { texts } = await collected([[row(1, 'x'.repeat(200_000)) + row(2)]]);
    expect(texts[0]?.slice(-60)).toMatch(/x \[holdfast\] line cut here at 65536 characters$/);
    expect(texts[1]).toBe('line 2');
  });

  it('does not take what is no line of the log: a word of the node about itself', async () => {
    expect((await collected([['unable to retrieve container logs for x\n', row(1)]])).texts).toEqual(['line 1']);
  });

  it('is at its end when the Pod is gone, and its log with it', async () => {
    const { texts, requests } = await collected([[row(1), new ApiError('absent', 'gone')]], 0, {
      ...sourceOf(),
      gone: async () => true,
    });
    expect(texts).toEqual(['line 1']);
    expect(requests).toHaveLength(1);
  });

  it('of a log that cannot be had gives up after four tries, and says so in the log', async () => {
    const { texts, requests } = await collected([[row(1), lost], [lost], [lost], [lost], [row(9)]], 0);
    expect(requests).toHaveLength(4);
    expect(texts).toEqual([
      'line 1',
      expect.stringMatching(/^\[holdfast\] the log could not be read to its end: .*hang up/),
    ]);
  });

  it('that has come to the end of a stream does not ask again for whatever else changes, before its container has ended', async () => {
    let changes = 0;
    const { api, requests } = logs((nth) => [row(nth)]);
    const source = { ...sourceOf(async () => changes === 5), changed: async () => void (changes += 1) };
    expect(await new Collector(api, store).collect(source).drained).toBe(true);
    expect([requests.length, changes]).toEqual([2, 5]);
  });

  it('of a stream that ends in good order asks ever more rarely while nothing comes, and soon again when something has', async () => {
    const waited: number[] = [];
    const { api, requests } = logs((nth) => [nth <= 8 ? lost : row(nth === 9 ? 1 : 2)]);
    const source = {
      ...sourceOf(async () => requests.length >= 15),
      // As if that time had passed.
      changed: async (ms: number) => {
        waited.push(ms);
        vi.setSystemTime(Date.now() + ms);
      },
    };
    vi.useFakeTimers({ toFake: ['Date'] });
    await new Collector(api, store).collect(source).drained.finally(() => vi.useRealTimers());
    const broken = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000];
    expect(waited).toEqual([...broken, 500, 500, 1_000, 2_000, 4_000, 4_000]);
  });

  it('that waits for the end of its container ends with the worker, at once', async () => {
    let looks = 0;
    const collector = new Collector(logs(() => [row(1)]).api, store);
    const ended = async () => {
      looks += 1;
      return false;
    };
    const changed = async () => collector.close();
    expect(await collector.collect({ ...sourceOf(ended), changed }).drained).toBe(false);
    expect(looks).toBe(2);
  });

  it('gives a way to the node that is broken time to mend, though the container has ended, and says that it has not all', async () => {
    const waited: number[] = [];
    const { api, requests } = logs(() => [lost]);
    const collector = new Collector(api, store);
    const source = { ...sourceOf(), changed: async (ms: number) => void waited.push(ms) };
    expect(await collector.collect(source).drained).toBe(false);
    expect([requests.length, waited]).toEqual([4, [500, 1_000, 2_000]]);
    await collector.collect(source).drained;
    const lines = await Array.fromAsync(store.lines(source.run, logFile('pod', 'task')));
    expect(lines).toHaveLength(1);
  });

  it('of a Pod that is gone has all that there will ever be, and a node that does not know it yet says nothing of that', async () => {
    const { api } = logs(() => [new ApiError('absent', 'not found')]);
    const gone = { ...sourceOf(), gone: async () => true };
    expect(await new Collector(api, store).collect(gone).drained).toBe(true);
    expect(await new Collector(api, store).collect(sourceOf()).drained).toBe(false);
  });

  it('of a log that could not be had at first takes it all when it can be had after all', async () => {
    const { texts, source } = await collected([[lost], [lost], [lost], [lost]], 0);
    expect(texts).toHaveLength(1);
    const again = await collected([[row(1), row(2)]], 0, source);
    expect(again.texts).toEqual([texts[0], 'line 1', 'line 2']);
  });

  it('is one per container, however often it is asked for, and when its log is stored to its end nobody asks for that again', async () => {
    let streams = 0;
    const gate = Promise.withResolvers<void>();
    const api = {
      async *readLog() {
        streams += 1;
        await gate.promise;
        yield Buffer.from(row(1));
      },
    } as unknown as JobsApi;
    const collector = new Collector(api, store);
    const source = sourceOf(async () => true);
    const [a, b] = [collector.collect(source), collector.collect({ ...source })];
    expect(a).toBe(b);
    gate.resolve();
    await a.drained;
    expect(streams).toBe(1);
    await collector.collect(source).drained;
    expect(streams).toBe(1);
  });

  it('is begun anew by whoever asks, if its log could not be read', async () => {
    const { api, requests } = logs((nth) => [nth <= 4 ? lost : row(1)]);
    const collector = new Collector(api, store);
    const source = sourceOf();
    await collector.collect(source).drained;
    expect(requests).toHaveLength(4);
    await collector.collect(source).drained;
    expect(requests).toHaveLength(5);
    const lines = store.lines(source.run, logFile('pod', 'task'));
    const texts = await Array.fromAsync(lines, ({ text }) => text);
    expect(texts).toEqual([expect.stringContaining('could not be read to its end'), 'line 1']);
  });

  it('ends with the worker', async () => {
    const streaming = Promise.withResolvers<void>();
    const api = {
      async *readLog(_: LogRequest, signal: AbortSignal) {
        yield Buffer.from(row(1));
        streaming.resolve();
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    } as unknown as JobsApi;
    const collector = new Collector(api, store);
    const { drained } = collector.collect(sourceOf(async () => false));
    await streaming.promise;
    collector.close();
    await expect(drained).resolves.toBe(false);
  });
});
