/**
 * Logs over HTTP/2 that are lost: whoever reads one hears of it, and nobody else. An error that nobody catches would end a
 * worker; here it ends the run, by vitest's own doing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import { Collector } from '../../src/logs/collector.ts';
import { logFile, LogStore } from '../../src/logs/store.ts';
import { follow, kindOf, listening, LogServer, readAll, Reading, say, time } from './log-server.ts';

let server: LogServer;

beforeEach(async () => {
  server = await LogServer.listen();
});
afterEach(() => server.close());

describe('a lost', () => {
  const each: readonly [string, () => void][] = [
    ['connection', () => server.cut()],
    ['connection, told by a goaway', () => eachSession((session) => session.goaway(constants.NGHTTP2_INTERNAL_ERROR))],
    ['connection, closed in peace', () => eachSession((session) => session.destroy())],
    // Node's server would end a stream that it only closes.
    ['stream', () => eachStream((stream) => stream.destroy(new Error('reset')))],
    ['stream, cancelled', () => eachStream((stream) => stream.destroy(new DOMException('reset', 'AbortError')))],
  ];
  const eachSession = (lose: (session: ServerHttp2Session) => void) => [...server.sessions].forEach(lose);
  const eachStream = (lose: (stream: ServerHttp2Stream) => void) => [...server.streams.values()].forEach(lose);

  it.each(each)('%s is unclear to each of its readers, never an end, and the next log has another', async (_, lose) => {
    server.answer = follow('here');
    const api = await server.api();
    const readings = readAll(api, 30);
    await Promise.all(readings.map((reading) => reading.has('here')));
    const unanswered = Promise.withResolvers<void>();
    server.answer = () => unanswered.resolve();
    const waiting = new Reading(api, 'waiting');
    await unanswered.promise;
    lose();
    for (const { ended } of readings) expect(kindOf(await ended)).toBe('unclear');
    expect([kindOf(await waiting.ended), waiting.text]).toEqual(['unclear', '']);
    server.answer = say('again');
    const next = new Reading(api, 'next');
    expect(await next.ended).toBeUndefined();
    expect(next.text).toBe('again');
  });

  it('server is unclear, and when it is back logs come again', async () => {
    const api = await server.api();
    expect(await new Reading(api, 'p').ended).toBeUndefined();
    const gone = createServer((socket) => socket.destroy());
    const apiOfGone = await server.api({ port: await listening(gone) });
    for (const { ended } of readAll(apiOfGone, 5)) expect(kindOf(await ended)).toBe('unclear');
    gone.close();
    expect(await new Reading(api, 'p').ended).toBeUndefined();
  });

  it('connection does not keep the collector from going on from where it was', async () => {
    const root = await mkdtemp(join(tmpdir(), 'holdfast-logs-'));
    const since: (string | null)[] = [];
    server.answer = (stream, pod, url) => {
      since.push(url.searchParams.get('sinceTime'));
      if (since.length === 1) follow(time(1), time(2))(stream, pod, url);
      else say(time(2), time(3))(stream, pod, url);
    };
    const store = new LogStore(root);
    const collector = new Collector(await server.api(), store);
    const run = { task: 'task', run: 'hf-a' };
    const textOf = () => Array.fromAsync(store.lines(run, logFile('pod', 'task')), ({ text }) => text);
    const { drained } = collector.collect({
      run,
      pod: 'pod',
      podUid: 'uid',
      container: 'task',
      ended: async () => since.length > 1,
      gone: async () => false,
      changed: async () => undefined,
    });
    await until('two lines are stored', async () => (await textOf()).length === 2, 10);
    server.cut();
    await drained;
    expect(await textOf()).toEqual(['line 1', 'line 2', 'line 3']);
    expect(since[0]).toBeNull();
    expect(since[1]).toBe('2026-01-01T00:00:02.000000000Z');
    collector.close();
    await rm(root, { recursive: true });
  });
});
