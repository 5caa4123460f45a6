/**
 * What simulated nodes have for a kubelet's port: every container's log is there and empty, and one that is followed ends
 * with its Pod. Without it each look at a log would fail, which no real node does, and would be tried again.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, get, type RequestOptions } from 'node:https';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';

interface Pod {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly status?: { readonly phase?: string };
}
type Event = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Pod } | { readonly type: 'ERROR' };

const [kubeconfig = '', port = '', certificate = '', key = '', ca = ''] = process.argv.slice(2);
/** Before a watch that broke off is asked for again. Milliseconds. */
const AGAIN_MS = 500;

const config = new KubeConfig();
config.loadFromFile(kubeconfig);

/** Pods that run, and who follows their logs. */
const followers = new Map<string, Set<ServerResponse>>();

const server = createServer(
  {
    cert: readFileSync(certificate),
    key: readFileSync(key),
    ca: readFileSync(ca),
    requestCert: true,
    rejectUnauthorized: true,
  },
  answer,
);
server.listen(Number(port), '127.0.0.1');
for (;;) {
  await watchPods().catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  // What came and went meanwhile is not known: whoever follows asks again.
  for (const pod of followers.keys()) end(pod);
  await sleep(AGAIN_MS);
}

function answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(url, 'https://kubelet');
  const [, pod] = /^\/containerLogs\/([^/]+\/[^/]+)\/[^/]+$/.exec(pathname) ?? [];
  response.writeHead(pod === undefined ? 404 : 200, { 'content-type': 'text/plain' });
  const others = followers.get(pod ?? '');
  if (others === undefined || searchParams.get('follow') !== 'true') return void response.end();
  response.flushHeaders();
  others.add(response);
  response.once('close', () => others.delete(response));
}

async function watchPods(): Promise<void> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${config.getCurrentCluster()?.server}/api/v1/pods?watch=true`, options, resolve).once('error', reject);
  });
  for await (const line of createInterface({ input: response })) see(JSON.parse(line) as Event);
}

function see(event: Event): void {
  if (event.type === 'ERROR') return;
  const { metadata, status } = event.object;
  const pod = `${metadata.namespace}/${metadata.name}`;
  const runs = event.type !== 'DELETED' && status?.phase === 'Running';
  if (!runs) end(pod);
  else if (!followers.has(pod)) followers.set(pod, new Set());
}

function end(pod: string): void {
  for (const response of followers.get(pod) ?? []) response.end();
  followers.delete(pod);
}
