/** The logs of simulated nodes: the process itself, before an API server that breaks off as one does that is killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, get, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Credentials, writeCredentials } from '../../dev/cluster/credentials.ts';
import { simulatedKubeletCommand } from '../../dev/cluster/kwok.ts';
import { freePort } from '../../lab/protocols/role-process.ts';

let folder: string;
let credentials: Credentials;
let server: Server;
let kubelet: ChildProcess;
let port: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-kubelet-'));
  const apiPort = await freePort();
  port = await freePort();
  credentials = writeCredentials(folder, `https://127.0.0.1:${apiPort}`);
  server = createServer({ ...files(credentials.server), requestCert: true });
  server.listen(apiPort, '127.0.0.1');
  const [program = '', ...args] = simulatedKubeletCommand(credentials, port).command;
  kubelet = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
});
afterEach(async () => {
  kubelet.kill('SIGKILL');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

function files({ certificate, key }: Credentials['server']) {
  const read = (path: string) => readFileSync(path, 'utf8');
  return { ca: read(credentials.caFile), cert: read(certificate), key: read(key) };
}

/** The next watch that the process asks for, with what it is told at once. */
async function watched(...phases: readonly string[]): Promise<ServerResponse> {
  const [{ url }, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
  expect(url).toBe('/api/v1/pods?watch=true');
  for (const phase of phases) tell(response, phase);
  return response;
}

function tell(response: ServerResponse, phase: string): void {
  const object = { metadata: { namespace: 'ns', name: 'pod' }, status: { phase } };
  response.write(`${JSON.stringify({ type: 'MODIFIED', object })}\n`);
}

async function ask(query: string): Promise<IncomingMessage> {
  const url = `https://127.0.0.1:${port}/containerLogs/ns/pod/task${query}`;
  const [response] = (await once(get(url, { ...files(credentials.kubeletClient), agent: false }), 'response')) as [
    IncomingMessage,
  ];
  expect(response.statusCode).toBe(200);
  return response.resume();
}

/** A log that is open: before the process has heard that the Pod runs, one ends at once. */
async function followed(): Promise<{ readonly ended: Promise<unknown> }> {
  for (;;) {
    const log = await ask('?follow=true');
    const ended = once(log, 'end');
    // What was answered to its end is there before the answer to what was asked after it.
    await once(await ask(''), 'end');
    if (!log.readableEnded) return { ended };
  }
}

it('a log that is followed is open while its Pod runs', async () => {
  const watch = await watched('Running');
  const { ended } = await followed();
  tell(watch, 'Succeeded');
  await ended;
});

it('an API server that is killed and started again is watched again, and what was followed meanwhile ends', async () => {
  const watch = await watched('Running');
  const before = await followed();
  const next = watched('Running');
  watch.destroy();
  await before.ended;
  const again = await next;
  const after = await followed();
  tell(again, 'Succeeded');
  await after.ended;
});
