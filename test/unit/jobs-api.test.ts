/** What goes over the wire, and what becomes of the answer: against an HTTP server that answers as it is told. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isApiError } from '../../src/kubernetes/api-error.ts';
import { starting } from '../../src/kubernetes/job.ts';
import { JobsApi } from '../../src/kubernetes/jobs-api.ts';
import { jobObject } from './cluster-objects.ts';

interface Request {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}
type Answer = (response: ServerResponse, request: Request) => void;

let server: Server;
let api: JobsApi;
let requests: Request[];
let answers: Answer[];

beforeEach(async () => {
  [requests, answers] = [[], []];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const seen = {
        line: `${request.method} ${request.url}`,
        headers: request.headers,
        body: text && JSON.parse(text),
      };
      requests.push(seen);
      (answers.shift() ?? json(200, {}))(response, seen);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  api = apiWith(2_000);
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function apiWith(deadlineMs: number): JobsApi {
  const config = new KubeConfig();
  const { port } = server.address() as AddressInfo;
  const cluster = { name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true };
  config.loadFromClusterAndUser(cluster, { name: 'u', token: 'the-token' });
  return new JobsApi(config, { namespace: 'ns', deadlineMs });
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
/** A refusal in Kubernetes' own form. */
const status = (code: number, headers: Record<string, string> = {}): Answer =>
  json(code, { kind: 'Status', message: 'said' }, headers);
const never: Answer = () => undefined;
const cutOff: Answer = (response) => response.destroy();
const busy = (seconds: string) =>
  json(429, { reason: 'TooManyRequests', message: 'later' }, { 'retry-after': seconds });
const kindOf = (call: Promise<unknown>) =>
  call.then(
    () => 'none',
    (error: unknown) => isApiError(error) && error.kind,
  );

describe('a request', () => {
  it('without an answer ends at its deadline, as unclear', async () => {
    answers = [never];
    const since = Date.now();
    const failed = await apiWith(150)
      .readJob('hf-x')
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({
      kind: 'unclear',
      status: undefined,
      message: expect.stringMatching(/^read Job hf-x/),
    });
    expect(Date.now() - since).toBeLessThan(1_500);
  });

  it('is given up at once, with the caller’s own reason, when the caller gives up', async () => {
    const caller = new AbortController();
    const reason = new Error('cancelled');
    answers = [() => caller.abort(reason)];
    await expect(api.createJob(jobObject(), caller.signal)).rejects.toBe(reason);
    await expect(api.readJob('hf-x', caller.signal)).rejects.toBe(reason);
    expect(requests).toHaveLength(1);
  });

  it('that is turned away with 429 is sent again when the server says, and is then answered', async () => {
    answers = [busy('1'), json(200, { metadata: { name: 'hf-x' } })];
    const since = Date.now();
    expect(await api.readJob('hf-x')).toMatchObject({ metadata: { name: 'hf-x' } });
    expect(Date.now() - since).toBeGreaterThanOrEqual(990);
  });

  it('that is turned away for ever is handed to the caller, as busy, after four tries', async () => {
    answers = [busy('0'), busy('0'), busy('0'), busy('0'), json(200, {})];
    expect(await kindOf(api.readJob('hf-x'))).toBe('busy');
    expect(requests).toHaveLength(4);
  });

  it('that is forbidden for a moment, by a server that has just started, is sent again and answered', async () => {
    answers = [status(403, { 'retry-after': '0' }), status(403, { 'retry-after': '0' }), json(200, { kind: 'Job' })];
    expect(await api.createJob(jobObject())).toMatchObject({ kind: 'Job' });
    expect(requests).toHaveLength(3);
  });

  it('that is turned away is not waited for any more when the caller gives up', async () => {
    const caller = new AbortController();
    const reason = new Error('cancelled');
    answers = [
      (response, request) => {
        busy('10')(response, request);
        // Long after the answer has arrived, long before the ten seconds are over.
        setTimeout(() => caller.abort(reason), 200);
      },
    ];
    const since = Date.now();
    await expect(api.readJob('hf-x', caller.signal)).rejects.toBe(reason);
    expect(Date.now() - since).toBeLessThan(2_000);
  });

  it.each([
    ['an error of the server', json(500, { message: 'etcd is slow' })],
    ['a lost socket', cutOff],
    ['a page that is not JSON', ((response) => response.writeHead(502).end('<html>')) satisfies Answer],
  ] as const)('that meets %s is sent once, and unclear: it may have taken effect', async (_, answer) => {
    answers = [answer];
    expect(await kindOf(api.createJob(jobObject()))).toBe('unclear');
    expect(requests).toHaveLength(1);
  });

  it('carries the account of the kubeconfig', async () => {
    await api.readJob('hf-x');
    expect(requests[0]?.headers.authorization).toBe('Bearer the-token');
  });
});

describe('create', () => {
  it.each([
    ['not suspended', jobObject({}, { suspend: false })],
    ['not owned', jobObject({ ownerReferences: [] })],
    [
      'owned by two',
      jobObject({ ownerReferences: [0, 1].map(() => ({ apiVersion: 'v1', kind: 'C', name: 'n', uid: 'u' })) }),
    ],
  ])('sends no Job that is %s', async (_, job) => {
    await expect(api.createJob(job)).rejects.toThrow(TypeError);
    expect(requests).toEqual([]);
  });

  it('has Kubernetes refuse fields that it does not know', async () => {
    await api.createJob(jobObject());
    await api.createAnchor({ metadata: { name: 'hf-x' } });
    expect(requests.map(({ line }) => line)).toEqual([
      'POST /apis/batch/v1/namespaces/ns/jobs?fieldValidation=Strict',
      'POST /api/v1/namespaces/ns/configmaps?fieldValidation=Strict',
    ]);
  });
});

describe('start', () => {
  it('is a merge patch on uid and resourceVersion of what was read', async () => {
    await api.startJob('hf-x', starting({ uid: 'u', resourceVersion: '7' }, undefined));
    expect(requests[0]).toMatchObject({ line: 'PATCH /apis/batch/v1/namespaces/ns/jobs/hf-x' });
    expect(requests[0]?.headers['content-type']).toBe('application/merge-patch+json');
    expect(requests[0]?.body).toEqual({ metadata: { uid: 'u', resourceVersion: '7' }, spec: { suspend: false } });
  });

  it('gives a Job that Kueue starts its queue label, on the same conditions, and leaves it suspended', async () => {
    await api.startJob('hf-x', starting({ uid: 'u', resourceVersion: '7' }, 'team-a'));
    const labels = { 'kueue.x-k8s.io/queue-name': 'team-a' };
    expect(requests[0]?.body).toEqual({ metadata: { uid: 'u', resourceVersion: '7', labels } });
  });
});

describe('delete', () => {
  it('of a Job names uid, resourceVersion and Foreground, in the body', async () => {
    await api.deleteJob('hf-x', { uid: 'u', resourceVersion: '7' });
    expect(requests[0]?.line).toBe('DELETE /apis/batch/v1/namespaces/ns/jobs/hf-x');
    const body = { propagationPolicy: 'Foreground', preconditions: { uid: 'u', resourceVersion: '7' } };
    expect(requests[0]?.body).toEqual(body);
  });

  it('of an anchor or a Pod names its uid', async () => {
    await api.deleteAnchor('hf-x', 'a');
    await api.deletePod('pod-1', { uid: 'p' });
    expect(requests.map(({ body }) => body)).toEqual([
      { preconditions: { uid: 'a' }, propagationPolicy: 'Background' },
      { preconditions: { uid: 'p' } },
    ]);
  });

  it('of a Pod has its own grace period, unless a shorter one is given', async () => {
    await api.deletePod('pod-1', { uid: 'p' }, undefined, 0);
    expect(requests[0]?.body).toEqual({ preconditions: { uid: 'p' }, gracePeriodSeconds: 0 });
  });

  it('of what is gone is done, and says that it was not there; of what has another uid is a conflict', async () => {
    answers = [status(404), status(409)];
    await expect(api.deletePod('pod-1', { uid: 'p' })).resolves.toBe(false);
    expect(await kindOf(api.deletePod('pod-1', { uid: 'p' }))).toBe('conflict');
  });
});

describe('reading', () => {
  it('what is not there gives undefined; what may not be read is an error', async () => {
    answers = [status(404), ...Array.from({ length: 8 }, () => status(403, { 'retry-after': '0' }))];
    expect(await api.readJob('hf-x')).toBeUndefined();
    expect(await kindOf(api.readAnchor('hf-x'))).toBe('forbidden');
  });

  it("marks asks for metadata alone, takes the null of an empty list for none, and tells the API server's own time", async () => {
    const kind = 'PartialObjectMetadataList';
    const date = 'Thu, 01 Jan 2026 12:00:00 GMT';
    answers = [json(200, { kind, items: null }), json(200, { kind, items: [{ metadata: { name: 'a' } }] }, { date })];
    const { anchors, jobs, at } = await api.listMarks('a=b');
    expect([anchors, jobs.map(({ name }) => name), at.toISOString()]).toEqual([[], ['a'], '2026-01-01T12:00:00.000Z']);
    for (const { headers } of requests) expect(headers.accept).toMatch(/as=PartialObjectMetadataList/);
  });

  it('nodes without the right to gives none: nobody can say then that no node would ever fit', async () => {
    answers = [status(403), status(500)];
    expect(await api.listNodes()).toEqual([]);
    expect(await kindOf(api.listNodes())).toBe('unclear');
  });

  it('a log streams its bytes, from the time asked for, past the deadline of a request', async () => {
    const slow: Answer = (response) => {
      response.writeHead(200).write('one ');
      // Longer than the deadline of a request, 150 ms.
      setTimeout(() => response.end('two'), 400);
    };
    answers = [slow];
    const request = { pod: 'p', container: 'task', follow: true, since: '2026-01-01T00:00:00Z' };
    const chunks = await Array.fromAsync(apiWith(150).readLog(request, new AbortController().signal));
    expect(Buffer.concat(chunks).toString()).toBe('one two');
    const url = new URL(`http://x${requests[0]?.line.slice('GET '.length)}`);
    expect(url.pathname).toBe('/api/v1/namespaces/ns/pods/p/log');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      container: 'task',
      follow: 'true',
      timestamps: 'true',
      sinceTime: '2026-01-01T00:00:00Z',
    });
  });

  it.each([
    ['is gone', status(404), 'absent'],
    [
      'breaks off',
      ((response) => (response.writeHead(200).write('x'), setImmediate(() => response.destroy()))) satisfies Answer,
      'unclear',
    ],
    ['does not come', never, 'unclear'],
  ] as const)('a log that %s says so', async (_, answer, kind) => {
    answers = [answer];
    const lines = apiWith(300).readLog({ pod: 'p', container: 'c', follow: false }, new AbortController().signal);
    expect(await kindOf(Array.fromAsync(lines))).toBe(kind);
  });

  it('a log ends with the caller’s own reason when the caller gives up', async () => {
    const caller = new AbortController();
    const reason = new Error('the worker stops');
    answers = [(response) => (response.writeHead(200).write('x'), setImmediate(() => caller.abort(reason)))];
    const lines = api.readLog({ pod: 'p', container: 'c', follow: true }, caller.signal);
    await expect(Array.fromAsync(lines)).rejects.toBe(reason);
  });
});
