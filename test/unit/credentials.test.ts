/** Credentials are replaced while a worker runs: each hour in a cluster, where a token lives that long. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createSecureServer } from 'node:http2';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createAuthority, issue } from '../../dev/cluster/certificates.ts';
import { JobsApi } from '../../src/kubernetes/jobs-api.ts';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';

let server: Server;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-credentials-'));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

/** Paths in a kubeconfig are relative to its folder. */
async function apiAs(user: object, cluster: object, scheme: 'http' | 'https'): Promise<JobsApi> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const kubeconfig = join(folder, 'kubeconfig');
  const text = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: `${scheme}://127.0.0.1:${port}`, ...cluster } }],
    users: [{ name: 'c', user }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
  };
  await writeFile(kubeconfig, JSON.stringify(text));
  const kubernetes = { context: 'c', kubeconfig, namespace: 'ns', deadlineMs: 2_000 };
  return new JobsApi(loadKubeConfig(kubernetes), kubernetes);
}

function answerAs(response: ServerResponse, code: number, name: string): void {
  const body = code === 200 ? { metadata: { name } } : { kind: 'Status', code, reason: name };
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

it('a token that has expired is an unclear answer, and the one that replaces it is used by the next request', async () => {
  let accepted = 'first';
  server = createServer((request, response) => {
    const isAccepted = request.headers.authorization === `Bearer ${accepted}`;
    answerAs(response, isAccepted ? 200 : 401, isAccepted ? 'hf-x' : 'Unauthorized');
  });
  await writeFile(join(folder, 'token'), 'first\n');
  const api = await apiAs({ tokenFile: 'token' }, { 'insecure-skip-tls-verify': true }, 'http');
  expect(await api.readJob('hf-x')).toMatchObject({ metadata: { name: 'hf-x' } });
  accepted = 'second';
  await expect(api.readJob('hf-x')).rejects.toMatchObject({ kind: 'unclear', status: 401 });
  await writeFile(join(folder, 'token'), 'second\n');
  expect(await api.readJob('hf-x')).toMatchObject({ metadata: { name: 'hf-x' } });
});

it('a certificate that is replaced is used by the next request, and until then connections are used again', async () => {
  const authority = createAuthority('authority');
  const serving = issue(authority, { commonName: 'api', hosts: ['127.0.0.1'] });
  const certificates = { ca: authority.certificate, cert: serving.certificate, key: serving.key };
  let connections = 0;
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    answerAs(response, 200, String(subject.CN));
  };
  server = createTlsServer({ ...certificates, requestCert: true }, answer);
  server.on('secureConnection', () => (connections += 1));
  const become = async (commonName: string) => {
    const { certificate, key } = issue(authority, { commonName });
    await writeFile(join(folder, 'key.pem'), key);
    await writeFile(join(folder, 'cert.pem'), certificate);
  };
  await writeFile(join(folder, 'ca.pem'), authority.certificate);
  await become('first');
  const files = { 'client-certificate': 'cert.pem', 'client-key': 'key.pem' };
  const api = await apiAs(files, { 'certificate-authority': 'ca.pem' }, 'https');
  const whoWeAre = async () => (await api.readJob('hf-x'))?.metadata?.name;
  for (let count = 0; count < 5; count += 1) expect(await whoWeAre()).toBe('first');
  expect(connections).toBeLessThanOrEqual(2);
  await become('second');
  expect(await whoWeAre()).toBe('second');
});

it('HTTP/1.1 is spoken to a server that would rather speak HTTP/2, but for logs, and each has the token of its moment', async () => {
  const authority = createAuthority('authority');
  const { certificate: cert, key } = issue(authority, { commonName: 'api', hosts: ['127.0.0.1'] });
  const seen: string[] = [];
  const secure = createSecureServer({ cert, key, allowHTTP1: true }, ({ httpVersion, headers }, response) => {
    seen.push(`${httpVersion} ${headers.authorization}`);
    answerAs(response as unknown as ServerResponse, 200, 'hf-x');
  });
  server = Object.assign(secure, { closeAllConnections: () => undefined }) as unknown as Server;
  await writeFile(join(folder, 'ca.pem'), authority.certificate);
  await writeFile(join(folder, 'token'), 'first');
  const api = await apiAs({ tokenFile: 'token' }, { 'certificate-authority': 'ca.pem' }, 'https');
  const request = { pod: 'p', container: 'c', follow: false };
  for (const token of ['first', 'second']) {
    await writeFile(join(folder, 'token'), token);
    await api.readJob('hf-x');
    for await (const _ of api.readLog(request, AbortSignal.timeout(5_000)));
  }
  expect(seen).toEqual(['1.1 Bearer first', '2.0 Bearer first', '1.1 Bearer second', '2.0 Bearer second']);
});
