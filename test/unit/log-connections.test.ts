/** Logs over HTTP/2, as JobsApi reads them: how many share a connection, how one ends without the others, and how connections come and go. */
import { constants } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import { LogConnections } from '../../src/kubernetes/log-connections.ts';
import { bytesOf, headersOf } from '../../src/kubernetes/log-stream.ts';
import {
  follow,
  kindOf,
  listening,
  LogServer,
  NEVER,
  podsUpTo,
  readAll,
  Reading,
  refuse,
  say,
  time,
} from './log-server.ts';

let server: LogServer;

beforeEach(async () => {
  server = await LogServer.listen();
});
afterEach(() => server.close());

async function serve(options: Parameters<typeof LogServer.listen>[0]): Promise<void> {
  await server.close();
  server = await LogServer.listen(options);
}

describe('many logs', () => {
  it('share connections, a hundred on each', async () => {
    server.answer = follow('here');
    const readings = readAll(await server.api(), 250);
    await Promise.all(readings.map((reading) => reading.has('here')));
    expect(server.clients).toHaveLength(3);
  });

  it('share connections as the server allows, if it allows fewer', async () => {
    await serve({ maxConcurrentStreams: 7 });
    server.answer = follow('here');
    const api = await server.api();
    await Promise.all(readAll(api, 20).map((reading) => reading.has('here')));
    expect(server.clients).toHaveLength(3);
    const late = new Reading(api, 'late');
    await late.has('here');
    expect(server.clients).toHaveLength(3);
  });

  it('take the place of those that have ended', async () => {
    const api = await server.api();
    for (const pod of podsUpTo(150)) expect(await new Reading(api, pod).ended).toBeUndefined();
    expect(server.clients).toHaveLength(1);
  });

  it('are independent: one that nobody reads, and ninety-eight, do not keep another from coming', async () => {
    const flood = say('x'.repeat(1024 * 1024));
    server.answer = (stream, pod, url) => (pod === 'quick' ? say('quick') : flood)(stream, pod, url);
    const api = await server.api();
    const stalled = podsUpTo(99).map((pod) =>
      api.readLog({ pod, container: 'task', follow: true }, NEVER)[Symbol.asyncIterator](),
    );
    // Each gives its first piece, and is not asked for more.
    const first = await Promise.all(stalled.map((iterator) => iterator.next()));
    expect(first.every(({ done }) => done === false)).toBe(true);
    const quick = new Reading(api, 'quick');
    expect(await quick.ended).toBeUndefined();
    expect(quick.text).toBe('quick');
    expect(server.clients).toHaveLength(1);
    // Each has what fits its window; the rest waits on the server.
    expect([...server.streams.values()].filter(({ writableLength }) => writableLength > 0)).toHaveLength(99);
    await Promise.all(stalled.map((iterator) => iterator.return?.(undefined)));
    await until('the server hears that nobody reads them', () => server.streams.size === 0, 10);
  });

  it('may be more than fit, and come slowly: each has all that was sent', async () => {
    const long = Array.from({ length: 300 }, (_, index) => `${index} ${'x'.repeat(1_000)}\n`).join('');
    server.answer = say(long, 'end');
    const readings = readAll(await server.api(), 120);
    for (const { ended } of readings) expect(await ended).toBeUndefined();
    expect(readings.every(({ text }) => text === `${long}end`)).toBe(true);
  });
});

describe('a log', () => {
  it('that is given up ends with the caller’s own reason, is ended on the server, and leaves the others', async () => {
    server.answer = follow('here');
    const api = await server.api();
    const caller = new AbortController();
    const [given, other] = [new Reading(api, 'given-up', caller.signal), new Reading(api, 'other')];
    await Promise.all([given.has('here'), other.has('here')]);
    const onServer = server.streams.get('given-up');
    const reason = new Error('the caller gives up');
    caller.abort(reason);
    expect(await given.ended).toBe(reason);
    await until('the server has heard it', () => onServer?.closed === true, 10);
    expect(onServer?.rstCode).toBe(constants.NGHTTP2_CANCEL);
    server.streams.get('other')?.end('more');
    expect(await other.ended).toBeUndefined();
    expect(other.text).toBe('heremore');
  });

  it('that is left by its reader is ended on the server', async () => {
    server.answer = follow('here');
    const api = await server.api();
    for await (const _ of api.readLog({ pod: 'p', container: 'c', follow: true }, NEVER)) break;
    await until('the server has heard it', () => server.streams.size === 0, 10);
  });

  it('that is given up before its answer ends with the caller’s own reason', async () => {
    const caller = new AbortController();
    const reason = new Error('the caller gives up');
    server.answer = () => caller.abort(reason);
    expect(await new Reading(await server.api(), 'p', caller.signal).ended).toBe(reason);
    expect(await new Reading(await server.api(), 'p', caller.signal).ended).toBe(reason);
  });

  it.each([
    [404, 'absent'],
    [403, 'forbidden'],
    [410, 'refused'],
    [429, 'busy'],
    [401, 'unclear'],
    [500, 'unclear'],
  ])('that is refused with %i is %s', async (status, kind) => {
    server.answer = refuse(status, { 'retry-after': '7' });
    const error = await new Reading(await server.api(), 'p').ended;
    expect(error).toMatchObject({
      kind,
      status,
      retryAfter: 7,
      message: expect.stringMatching(/^read log of p\/task/),
    });
  });

  it('whose answer does not come is unclear after its deadline; whose answer came goes on past it', async () => {
    const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    server.answer = (stream, pod, url) => {
      if (pod === 'silent') return asked.resolve();
      follow('one ')(stream, pod, url);
      void answered.promise.then(() => stream.end('two'));
    };
    const api = await server.api({ deadlineMs: 300 });
    const slow = new Reading(api, 'slow');
    await slow.has('one');
    const silent = new Reading(api, 'silent');
    await asked.promise;
    const error = await silent.ended;
    expect(kindOf(error)).toBe('unclear');
    expect(String(error)).toContain('deadline');
    // The deadline of the silent one, which began later, is over; so is that of the slow one.
    answered.resolve();
    expect(await slow.ended).toBeUndefined();
    expect(slow.text).toBe('one two');
    expect(server.clients).toHaveLength(1);
  });
});

describe('a connection', () => {
  const TIMING = { openMs: 2_000, idleMs: 50, pingMs: 50, pongMs: 100 };
  const connectionsTo = (port: number) =>
    new LogConnections(`https://127.0.0.1:${port}`, { ca: server.authority.certificate }, TIMING);

  async function read(connections: LogConnections, pod: string): Promise<{ text: string; ended: Promise<unknown> }> {
    const url = new URL(`https://x/api/v1/namespaces/ns/pods/${pod}/log`);
    const stream = await connections.get(url, {}, NEVER);
    if (stream === undefined) throw new Error('the server speaks no HTTP/2');
    await headersOf(stream, NEVER);
    const reading = { text: '', ended: Promise.resolve<unknown>(undefined) };
    reading.ended = (async () => {
      for await (const chunk of bytesOf(stream, NEVER)) reading.text += Buffer.from(chunk).toString();
    })().catch((error: unknown) => error);
    return reading;
  }

  it('that dies without a word is noticed, and its streams fail', async () => {
    const sockets: Socket[] = [];
    const between = createServer((near) => {
      const far = connect(server.port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.push(from);
        from.on('error', () => undefined).pipe(to);
      }
    });
    const connections = connectionsTo(await listening(between));
    server.answer = follow('here');
    const readings = await Promise.all([read(connections, 'a'), read(connections, 'b')]);
    for (const socket of sockets) socket.unpipe().pause();
    for (const { ended } of readings) expect(String(await ended)).toContain('no answer to a ping');
    for (const socket of sockets) socket.destroy();
    between.close();
  });

  it('that is quiet and alive is kept, for as long as it has a stream, and closed when it has none', async () => {
    let pings = 0;
    server.answer = follow('here');
    const connections = connectionsTo(server.port);
    const reading = await read(connections, 'a');
    for (const session of server.sessions) session.on('ping', () => (pings += 1));
    await until('it was asked five times', () => pings >= 5, 10);
    server.streams.get('a')?.end('more');
    expect(await reading.ended).toBeUndefined();
    expect(reading.text).toContain('more');
    await until('it is closed', () => server.sessions.size === 0, 10);
    server.answer = say('again');
    expect(await (await read(connections, 'b')).ended).toBeUndefined();
    expect(server.clients).toHaveLength(2);
  });

  it('that the server will close takes no more, and what it has goes to its end', async () => {
    server.answer = follow('here');
    const connections = connectionsTo(server.port);
    const old = await read(connections, 'old');
    for (const session of server.sessions) session.goaway(constants.NGHTTP2_NO_ERROR);
    server.answer = say('new');
    const isNew = async () => (await (await read(connections, 'new')).ended) === undefined;
    // One that is asked for before the goaway has come is refused.
    await until('a new log has another connection', () => isNew().catch(() => false), 10);
    expect(server.clients).toHaveLength(2);
    server.streams.get('old')?.end('more');
    expect(await old.ended).toBeUndefined();
    expect(old.text).toBe('heremore');
  });

  it('is made anew with a certificate that was replaced; what runs on the old one goes on', async () => {
    server.answer = follow('here');
    const api = await server.api();
    const old = new Reading(api, 'old');
    await old.has('here');
    await server.become('second');
    const next = new Reading(api, 'next');
    await next.has('here');
    expect(server.clients).toEqual(['first', 'second']);
    server.streams.get('old')?.end('more');
    expect(await old.ended).toBeUndefined();
    expect(old.text).toBe('heremore');
  });

  it('of HTTP/1.1 is used where the server speaks nothing else, which is asked once for each certificate', async () => {
    server.speaksHttp2 = false;
    const api = await server.api();
    for (const pod of podsUpTo(3)) {
      const reading = new Reading(api, pod);
      expect(await reading.ended).toBeUndefined();
      expect(reading.text).toBe(time(1, 'by 1.1'));
    }
    server.speaksHttp2 = true;
    expect(await new Reading(api, 'p').ended).toBeUndefined();
    await server.become('second');
    expect(await new Reading(api, 'p').ended).toBeUndefined();
    expect(server.requests.map(({ version }) => version)).toEqual(['1.1', '1.1', '1.1', '1.1', '2.0']);
  });
});
