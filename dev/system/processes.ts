import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants, openSync, closeSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

export const run = promisify(execFile);

export const onLinux: boolean = process.platform === 'linux';
export const isRoot: boolean = process.getuid?.() === 0;

/** A pid alone may be reused; with its start time it names one process. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
}

export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = startTimeOf(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

export const isAlive = (who: ProcessIdentity): boolean => startTimeOf(who.pid) === who.startTime;

function startTimeOf(pid: number): string | undefined {
  if (!onLinux)
    return spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim() || undefined;
  const fields = statOf(pid);
  return fields[0] === 'Z' ? undefined : fields[19];
}

/** Linux: every process that there is. */
export function processIds(): readonly number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/** Linux: what `man proc_pid_stat` tells of it, from its state on, the third there; nothing of one that is gone. */
export function statOf(pid: number): readonly string[] {
  try {
    // The second field is the command in parentheses and may itself contain spaces and parentheses.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  } catch {
    return [];
  }
}

export function findProgram(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const candidates = (env['PATH'] ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** On Linux the kernel kills the child when we die, even by SIGKILL; elsewhere the next start clears it by its pid. */
export function tied(command: readonly string[]): readonly string[] {
  return onLinux && findProgram('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', ...command] : command;
}

export interface SpawnOptions {
  readonly log: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Starts a process that ends with us, in its own process group (Ctrl-C is ours to handle), writing to its log. */
export function startTied(command: readonly string[], { log, env, cwd }: SpawnOptions): ChildProcess {
  const [program = '', ...args] = tied(command);
  const output = openSync(log, 'a');
  try {
    return spawn(program, args, {
      stdio: ['ignore', output, output],
      detached: true,
      ...(env ? { env } : {}),
      ...(cwd === undefined ? {} : { cwd }),
    });
  } finally {
    closeSync(output);
  }
}

/** Asks, waits, then insists. Resolves when the process is gone. */
export async function endProcess(who: ProcessIdentity, graceMs: number): Promise<void> {
  signal(who, 'SIGTERM');
  if (await isGoneWithin(who, graceMs)) return;
  signal(who, 'SIGKILL');
  await isGoneWithin(who, 5_000);
}

/** What was started tied leads a process group; `nsenter` has in it what it runs. */
export function signal(who: ProcessIdentity, name: NodeJS.Signals, to: 'process' | 'group' = 'process'): void {
  if (!isAlive(who)) return;
  try {
    process.kill(to === 'group' ? -who.pid : who.pid, name);
  } catch {
    // It ended between the look and the signal: what we wanted.
  }
}

export async function isGoneWithin(who: ProcessIdentity, ms: number): Promise<boolean> {
  for (const end = Date.now() + ms; isAlive(who); await delay(20)) if (Date.now() > end) return false;
  return true;
}

export function tail(path: string, lines: number): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
