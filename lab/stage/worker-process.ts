/** The real worker, as a process that can be killed, frozen and thawed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { WORKER_ARGS, WORKER_ENVIRONMENT } from '../../dev/worker-command.ts';

export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', resolve));
  }

  static async start(env: NodeJS.ProcessEnv): Promise<WorkerProcess> {
    const child = spawn(process.execPath, WORKER_ARGS, {
      env: { ...WORKER_ENVIRONMENT, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const worker = new WorkerProcess(child);
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        worker.#output = (worker.#output + String(chunk)).slice(-20_000);
        if (worker.#output.includes('"worker ready"')) resolve();
      });
      void worker.#exited.then(() => reject(new Error(`the worker ended before it was ready: ${worker.#output}`)));
    });
    return worker;
  }

  /** The newest of its log lines. */
  get log(): readonly string[] {
    return this.#output.split('\n').slice(1, -1);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** How it ended, in words; undefined while it runs. */
  get ending(): string | undefined {
    const { exitCode, signalCode } = this.#child;
    if (signalCode !== null) return `ended by ${signalCode}`;
    return exitCode === null ? undefined : `ended with exit code ${exitCode}`;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Gives its exit code; null if the signal ended it. */
  async end(name: NodeJS.Signals): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill(name);
      await this.#exited;
    }
    return this.#child.exitCode;
  }
}
