/** A real Redis for the options that need one: the machine's own, or Debian's package unpacked into the user's cache. */
import { type ChildProcess, spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { terminalReporter } from '../../dev/report.ts';
import { pathsFrom } from '../../dev/system/paths.ts';
import { findProgram, tied } from '../../dev/system/processes.ts';
import { ensure } from '../../dev/toolchain/cache.ts';
import { apt, hasDebianTools } from '../../dev/toolchain/debian.ts';
import { connectRedis } from './redis.ts';
import { freePort } from './role-process.ts';

/** Redis itself, and the libraries that a small Debian does not have. */
const PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1'] as const;

export interface RedisServer {
  readonly url: string;
  readonly version: string;
  close(): Promise<void>;
}

interface Program {
  readonly path: string;
  readonly libraries: string;
}

/** Gives the reason if there is none. */
export async function startRedis(folder: string): Promise<RedisServer | string> {
  const program = await findRedis().catch((error: unknown) => `no Redis: ${String(error)}`);
  if (typeof program === 'string') return program;
  const port = await freePort();
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  const [command = '', ...args] = tied([program.path, ...options]);
  const child = spawn(command, args, { stdio: 'ignore', env: { ...process.env, LD_LIBRARY_PATH: program.libraries } });
  const url = `redis://127.0.0.1:${port}`;
  const died = new Promise<undefined>((resolve) => child.once('exit', () => resolve(undefined)));
  const version = await Promise.race([versionOf(url), died]);
  return version === undefined ? `no Redis: ${program.path} ended at once` : { url, version, close: () => end(child) };
}

async function findRedis(): Promise<Program | string> {
  const own = findProgram('redis-server');
  if (own !== undefined) return { path: own, libraries: '' };
  if (!hasDebianTools()) return 'no Redis: neither redis-server nor apt is here';
  const { cache } = pathsFrom(process.env);
  const packages = await apt(cache, terminalReporter()).packages(PACKAGES);
  const build = (target: string) => packages.extract(target);
  const folder = await ensure(cache, { name: 'redis', key: packages.pins, build });
  const [library = ''] = globSync('usr/lib/*/liblzf.so.1', { cwd: folder });
  return { path: join(folder, 'usr', 'bin', 'redis-server'), libraries: join(folder, dirname(library)) };
}

async function versionOf(url: string): Promise<string> {
  const redis = await connectRedis(url);
  const info = await redis.info('server');
  await redis.close();
  return /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown';
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
}
