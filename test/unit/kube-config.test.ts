import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JobsApi } from '../../src/kubernetes/jobs-api.ts';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';

let server: Server;
let folder: string;
let connections = 0;

beforeEach(async () => {
  connections = 0;
  server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ metadata: { name: 'hf-x' } }));
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  folder = await mkdtemp(join(tmpdir(), 'holdfast-kube-config-'));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

async function api(): Promise<JobsApi> {
  const { port } = server.address() as AddressInfo;
  const kubeconfig = join(folder, 'kubeconfig');
  const text = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'c', user: { token: 'the-token' } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
  });
  await writeFile(kubeconfig, text);
  const config = loadKubeConfig({ context: 'c', kubeconfig, namespace: 'ns', deadlineMs: 2_000 });
  return new JobsApi(config, { namespace: 'ns', deadlineMs: 2_000 });
}

describe('the connections to Kubernetes', () => {
  it('are used again: two at most for twenty requests, one after the other', async () => {
    const calls = await api();
    for (let count = 0; count < 20; count += 1) await calls.readJob('hf-x');
    expect(connections).toBeLessThanOrEqual(2);
  });

  it('are used again after a delete, which has a body', async () => {
    const calls = await api();
    for (let count = 0; count < 20; count += 1) await calls.deleteJob('hf-x', { uid: 'u' });
    expect(connections).toBeLessThanOrEqual(2);
  });

  it('are about as many as there are requests at the same time', async () => {
    const calls = await api();
    for (let round = 0; round < 5; round += 1)
      await Promise.all(Array.from({ length: 5 }, () => calls.readJob('hf-x')));
    expect(connections).toBeGreaterThanOrEqual(5);
    expect(connections).toBeLessThanOrEqual(10);
  });
});
