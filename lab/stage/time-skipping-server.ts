/**
 * The time-skipping server, hidden behind one function. The SDK gives a server five seconds to boot; Java on a busy
 * machine takes twenty. So a launcher that is there is booted here, and the SDK gets to start something that does
 * nothing, on a port on which the server listens already. Without a launcher the SDK downloads one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { TestWorkflowEnvironment } from '@temporalio/testing';

export interface TimeSkippingServer {
  readonly environment: TestWorkflowEnvironment;
  readonly end: () => Promise<void>;
}

/** Called with a port it sleeps for as many seconds; the SDK ends it. */
const DOES_NOTHING = '/bin/sleep';
/** One try of the SDK to talk to a server that listens but is still loading. */
const TRIES = 4;
/** Milliseconds. */
const BOOT_LIMIT = 90_000;

export async function timeSkippingServer(): Promise<TimeSkippingServer> {
  const launcher = process.env['HOLDFAST_TEST_SERVER'] ?? launcherLeftBehind();
  if (launcher === undefined) {
    const environment = await TestWorkflowEnvironment.createTimeSkipping();
    return { environment, end: () => environment.teardown() };
  }
  const port = await freePort();
  const child = spawn(launcher, [String(port)], { stdio: 'ignore' });
  process.once('exit', () => child.kill());
  await listening(port, child);
  const environment = await connected(port);
  const end = async () => {
    await environment.teardown();
    child.kill();
  };
  return { environment, end };
}

/** `npm test` leaves the launcher of the server it built in the state folder. */
function launcherLeftBehind(): string | undefined {
  const path = join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'holdfast', 'test-server');
  return existsSync(path) ? path : undefined;
}

async function connected(port: number): Promise<TestWorkflowEnvironment> {
  const executable = { type: 'existing-path', path: DOES_NOTHING } as const;
  for (let tried = 1; ; tried += 1) {
    try {
      return await TestWorkflowEnvironment.createTimeSkipping({ server: { executable, port } });
    } catch (error) {
      if (tried === TRIES) throw error;
    }
  }
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  const limit = Date.now() + BOOT_LIMIT;
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`the time-skipping server ended with exit code ${child.exitCode}`);
    if (Date.now() > limit) throw new Error(`the time-skipping server did not listen within ${BOOT_LIMIT} ms`);
    await pause(100);
  }
}

function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  }).finally(() => socket.destroy());
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
