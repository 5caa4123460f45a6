import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from './cluster/control-plane.ts';
import { endProcess, identify, isGoneWithin, signal, startTied, tail } from './system/processes.ts';
import type { ProcessIdentity } from './system/processes.ts';

export interface PartFailure {
  readonly name: string;
  readonly how: string;
  readonly log: string;
}

/** The processes of the environment: each is tied to this one, logs to its own file, and is missed when it ends. */
export class Parts {
  private readonly running = new Map<string, ProcessIdentity>();
  private readonly logFiles = new Map<string, string>();
  /** Starts a part the same way again. */
  private readonly starts = new Map<string, () => ProcessIdentity>();
  private readonly killed = new Set<string>();
  private isEnding = false;
  private readonly logFolder: string;
  private readonly env: NodeJS.ProcessEnv;
  private readonly onFailure: (failure: PartFailure) => void;

  constructor(logFolder: string, env: NodeJS.ProcessEnv, onFailure: (failure: PartFailure) => void) {
    this.logFolder = logFolder;
    this.env = env;
    this.onFailure = onFailure;
    mkdirSync(logFolder, { recursive: true });
  }

  /** `onExit` takes the place of the alarm for parts that may come and go. */
  start(part: Command, extraEnv: NodeJS.ProcessEnv = {}, onExit?: (how: string) => void): ProcessIdentity {
    if (this.isEnding) throw new Error('the environment is ending');
    this.starts.set(part.name, () => this.start(part, extraEnv, onExit));
    const log = join(this.logFolder, `${part.name}.log`);
    this.logFiles.set(part.name, log);
    const child = startTied(part.command, {
      log,
      env: { ...this.env, ...extraEnv },
      ...(part.cwd === undefined ? {} : { cwd: part.cwd }),
    });
    child.on('error', (error) => this.missed(part.name, error.message, onExit));
    child.on('exit', (code, killer) => this.missed(part.name, killer === null ? `exit code ${code}` : killer, onExit));
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    if (identity === undefined) throw new Error(`${part.name} could not be started: ${part.command.join(' ')}`);
    this.running.set(part.name, identity);
    return identity;
  }

  /** Ends parts as a power cut does, and what they run in their process groups; they are not missed until `restart`. */
  async kill(names: readonly string[]): Promise<void> {
    for (const name of names) {
      this.killed.add(name);
      const identity = this.running.get(name);
      if (identity) signal(identity, 'SIGKILL', 'group');
    }
    while (names.some((name) => this.running.has(name))) await delay(20);
  }

  /** Starts parts again that were killed: the same command on the same data. */
  restart(names: readonly string[]): void {
    for (const name of names) {
      const start = this.starts.get(name);
      if (start === undefined || !this.killed.delete(name)) throw new Error(`no part ${name} was killed`);
      start();
    }
  }

  /** Makes a process known that one of the parts started and that must be ended by itself. */
  adopt(name: string, pid: number): void {
    const identity = identify(pid);
    if (identity) this.running.set(name, identity);
  }

  processes(): Readonly<Record<string, ProcessIdentity>> {
    return Object.fromEntries(this.running);
  }

  logs(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.logFiles);
  }

  expectEnd(): void {
    this.isEnding = true;
  }

  async end(name: string, graceMs: number): Promise<void> {
    const identity = this.running.get(name);
    if (identity) await endProcess(identity, graceMs);
    this.running.delete(name);
  }

  async killAll(): Promise<void> {
    const identities = [...this.running.values()];
    for (const identity of identities) signal(identity, 'SIGKILL');
    await Promise.all(identities.map((identity) => isGoneWithin(identity, 5_000)));
    this.running.clear();
  }

  private missed(name: string, how: string, onExit: ((how: string) => void) | undefined): void {
    this.running.delete(name);
    if (this.isEnding || this.killed.has(name)) return;
    if (onExit) onExit(how);
    else this.onFailure({ name, how, log: tail(this.logFiles.get(name) ?? '', 15) });
  }
}
