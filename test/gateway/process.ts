/** `holdfast gateway` as a process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { freePort } from '../../lab/protocols/role-process.ts';

export class GatewayProcess {
  readonly url: string;
  /** Resolves with its exit code. */
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  #output = '';

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
    this.exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  }

  static async start(env: NodeJS.ProcessEnv): Promise<GatewayProcess> {
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(process.execPath, ['src/cli/main.ts', 'gateway'], {
      env: { ...process.env, HOLDFAST_GATEWAY_ADDRESS: address, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const gateway = new GatewayProcess(`http://${address}`, child);
    await new Promise<void>((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        gateway.#output = (gateway.#output + String(chunk)).slice(-100_000);
        if (gateway.#output.includes('"gateway ready"')) resolve();
      });
      void gateway.exited.then(() => reject(new Error(`the gateway ended before it was ready: ${gateway.#output}`)));
    });
    return gateway;
  }

  /** What it has logged lately. */
  get output(): string {
    return this.#output;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    await this.exited;
  }
}
