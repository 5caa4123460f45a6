/** What the shared watch sees while the API server misbehaves: against a server of our own that does it on demand. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { V1Job } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import { LABEL } from '../../src/fence.ts';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';
import { RunWatch } from '../../src/kubernetes/run-watch.ts';

type Answer = (response: ServerResponse) => void;

/** Jobs of one namespace, with versions; lists and watches are answered as an API server does, but for what is asked of it. */
class FakeApi {
  readonly jobs = new Map<string, V1Job>();
  version = 100;
  lists = 0;
  /** Versions that were asked for, one for each watch of Jobs. */
  readonly watches: number[] = [];
  readonly streams = new Set<ServerResponse>();
  /** Instead of a list, or a watch: the answers to the next ones. */
  readonly insteadOfList: Answer[] = [];
  insteadOfWatch: ((version: number) => Answer | undefined) | undefined;
  token = 'first';
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://api');
      if (request.headers.authorization !== `Bearer ${this.token}`) return status(401)(response);
      if (!url.pathname.endsWith('/jobs')) return this.#empty(url, response);
      if (url.searchParams.get('watch') === 'true')
        return this.#watch(Number(url.searchParams.get('resourceVersion')), response);
      this.lists += 1;
      (this.insteadOfList.shift() ?? ((to) => this.#list(url, to)))(response);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Changes the world; those who watch hear of it unless they have gone deaf. */
  put(name: string): void {
    this.version += 1;
    const known = this.jobs.has(name);
    const metadata = { name, uid: `uid-${name}`, namespace: 'ns', labels: { [LABEL.run]: name } };
    const managedFields = [{ manager: 'm' }];
    const spec = { suspend: true, parallelism: 1, template: { spec: { containers: [{ name: 'task' }] } } };
    this.jobs.set(name, { metadata: { ...metadata, managedFields, resourceVersion: String(this.version) }, spec });
    this.tell(known ? 'MODIFIED' : 'ADDED', this.jobs.get(name));
  }

  remove(name: string): void {
    this.version += 1;
    const gone = this.jobs.get(name);
    this.jobs.delete(name);
    this.tell('DELETED', { ...gone, metadata: { ...gone?.metadata, resourceVersion: String(this.version) } });
  }

  tell(type: string, object: unknown): void {
    for (const stream of this.streams) stream.write(`${JSON.stringify({ type, object })}\n`);
  }

  /** The connections stay open, but nothing comes any more. */
  deafen(): void {
    this.streams.clear();
  }

  cut(): void {
    for (const stream of this.streams) stream.destroy();
    this.streams.clear();
  }

  #list({ searchParams }: URL, response: ServerResponse): void {
    const from = Number(searchParams.get('continue') ?? 0);
    const to = from + Number(searchParams.get('limit'));
    const metadata = {
      resourceVersion: String(this.version),
      ...(to < this.jobs.size && { continue: String(to) }),
    };
    json(response, { metadata, items: [...this.jobs.values()].slice(from, to) });
  }

  #watch(version: number, response: ServerResponse): void {
    this.watches.push(version);
    const instead = this.insteadOfWatch?.(version);
    if (instead !== undefined) return instead(response);
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
    // Of what came after the version; what was deleted since is not kept here, and no test asks for it.
    for (const job of this.jobs.values())
      if (Number(job.metadata?.resourceVersion) > version) this.tell('MODIFIED', job);
  }

  #empty(url: URL, response: ServerResponse): void {
    if (url.searchParams.get('watch') !== 'true')
      return json(response, { metadata: { resourceVersion: '1' }, items: [] });
    response.writeHead(200).flushHeaders();
  }
}

function json(response: ServerResponse, body: unknown, code = 200): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const failure = (code: number) => ({ kind: 'Status', status: 'Failure', code, reason: 'Because', message: 'injected' });
const status =
  (code: number): Answer =>
  (response) =>
    json(response, failure(code), code);
const never: Answer = () => undefined;

let api: FakeApi;
let folder: string;
let watch: RunWatch;
/** Lists and watches that ended otherwise than in peace. */
let failures: number;

beforeEach(async () => {
  api = new FakeApi();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-run-watch-'));
  await writeFile(join(folder, 'token'), 'first\n');
  const kubeconfig = join(folder, 'kubeconfig');
  const text = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: await api.listen(), 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'c', user: { tokenFile: 'token' } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
  };
  await writeFile(kubeconfig, JSON.stringify(text));
  const config = loadKubeConfig({ context: 'c', kubeconfig, namespace: 'ns', deadlineMs: 300 });
  failures = 0;
  watch = new RunWatch(
    config,
    'ns',
    { warn: () => void (failures += 1) },
    { deadlineMs: 300, quietMs: 1_000, pauseMs: 50 },
  );
});
afterEach(async () => {
  watch.stop();
  await api.close();
  await rm(folder, { recursive: true });
});

const isThere = (name: string) => watch.see(name).job !== undefined;
const versionOf = (name: string) => watch.see(name).job?.metadata?.resourceVersion;
const watching = () => until('it watches', () => api.streams.size > 0, 10);

async function seesWhatChanges(): Promise<void> {
  api.put('later');
  await until('it sees what changes', () => isThere('later'), 10);
}

describe('the watch', () => {
  it('sees what was there, what comes and what goes, and wakes whoever waits for the run', async () => {
    api.put('a');
    await watch.start();
    expect(isThere('a')).toBe(true);
    await watching();
    const woken = watch.changed('b', 10_000, AbortSignal.timeout(10_000));
    api.put('b');
    await woken;
    expect(isThere('b')).toBe(true);
    api.remove('a');
    await until('it is gone', () => !isThere('a'), 10);
    expect(api.lists).toBe(1);
  });

  it('lists thousands page by page, and misses none', async () => {
    const names = Array.from({ length: 600 }, (_, index) => `job-${index}`);
    for (const name of names) api.put(name);
    await watch.start();
    // On a busy machine the first list may take too long, and is asked for again.
    await until('all are listed', () => names.every(isThere), 10);
    expect(api.lists).toBeGreaterThanOrEqual(3);
    await watching();
    await seesWhatChanges();
  });

  it('keeps of what it lists and of what it is told no more than its readers need', async () => {
    api.put('listed');
    await watch.start();
    await watching();
    api.put('told');
    await until('it sees it', () => isThere('told'), 10);
    for (const name of ['listed', 'told']) {
      const { metadata, spec } = watch.see(name).job ?? {};
      expect(metadata).toMatchObject({ name, uid: `uid-${name}`, labels: { [LABEL.run]: name } });
      expect(metadata).not.toHaveProperty('managedFields');
      expect(spec).toEqual({ suspend: true, template: {} });
    }
  });

  it.each([
    ['410 as the answer', status(410)],
    ['410 as an event, on a stream that stays open', eventOf(410)],
    ['another error as an event', eventOf(500)],
    ['504: the server was set back and does not know our version yet', status(504)],
    ['403: the server has not loaded our rights yet', status(403)],
    ['a page of something else', (response: ServerResponse) => response.writeHead(502).end('<html>')],
  ])('that is refused with %s lists again, and misses neither what came nor what went', async (_, refusal) => {
    api.put('gone-meanwhile');
    await watch.start();
    await watching();
    const known = api.version;
    api.insteadOfWatch = (version) => (version === known ? refusal : undefined);
    api.cut();
    const woken = watch.changed('gone-meanwhile', 20_000, AbortSignal.timeout(20_000));
    api.remove('gone-meanwhile');
    api.put('new-meanwhile');
    await woken;
    await until('it sees both', () => isThere('new-meanwhile') && !isThere('gone-meanwhile'), 10);
    await watching();
    await seesWhatChanges();
  });

  it('whose connection dies without a word asks again, from where it was', async () => {
    api.put('a');
    await watch.start();
    await watching();
    api.deafen();
    api.put('a');
    await until('it sees the change', () => versionOf('a') === String(api.version), 10);
    await watching();
    await seesWhatChanges();
    expect(api.lists).toBe(1);
  });

  it('whose list is never answered asks again after its deadline', async () => {
    api.insteadOfList.push(never);
    await watch.start();
    await seesWhatChanges();
    expect(api.lists).toBe(2);
  });

  it('that is closed by the server again and again does not hammer it', async () => {
    api.insteadOfWatch = () => (response) => response.writeHead(200).end();
    await watch.start();
    await until('it has asked a few times', () => api.watches.length >= 4, 10);
    const [at, asked] = [performance.now(), api.watches.length];
    await until('it has asked ten times more', () => api.watches.length >= asked + 10, 10);
    // Each 50 ms here, each second in a worker; the first may have been due, and a timer may be a little early.
    expect(performance.now() - at).toBeGreaterThan(9 * 48);
  });

  it('outlives a token that expires, and one that is missing for a moment while it is replaced', async () => {
    await watch.start();
    await watching();
    api.token = 'second';
    await rm(join(folder, 'token'));
    const before = failures;
    api.cut();
    await until('its watch has ended, and it has asked without a token', () => failures >= before + 2, 10);
    await writeFile(join(folder, 'token.new'), 'second');
    await rename(join(folder, 'token.new'), join(folder, 'token'));
    await watching();
    await seesWhatChanges();
  });
});

function eventOf(code: number): Answer {
  return (response) => response.writeHead(200).write(`${JSON.stringify({ type: 'ERROR', object: failure(code) })}\n`);
}
