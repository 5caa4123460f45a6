/** Starts, kills and restarts a process of a protocol; it says over IPC, or on its output, when it is ready. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { tied } from '../../dev/system/processes.ts';

export interface Program {
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** What it writes when it is ready. */
  readonly ready: string;
  /** File that its output is kept in. */
  readonly log: string;
}

export class RoleProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', resolve));
  }

  /** Resolves when it is ready. It ends with us, whatever ends us. */
  static async start({ args, env, ready, log }: Program): Promise<RoleProcess> {
    const [command = '', ...rest] = tied([process.execPath, '--disable-warning=ExperimentalWarning', ...args]);
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], ...(env && { env }) });
    const role = new RoleProcess(child);
    const file = createWriteStream(log, { flags: 'a' });
    let output = '';
    await new Promise<void>((resolve, reject) => {
      const see = (chunk: Buffer) => {
        file.write(chunk);
        output = (output + String(chunk)).slice(-4_000);
        if (output.includes(ready)) resolve();
      };
      child.stdout?.on('data', see);
      child.stderr?.on('data', see);
      void role.#exited.then(() => reject(new Error(`${args.join(' ')} ended before it was ready: ${output}`)));
    });
    return role;
  }

  /** Resolves when it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill(signal);
    const insist = setTimeout(() => this.#child.kill('SIGKILL'), 15_000);
    await this.#exited;
    clearTimeout(insist);
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
