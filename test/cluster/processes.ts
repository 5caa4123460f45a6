/** The programs that people run, as processes of their own with nobody at their terminal, on what a stage has. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Stage } from '../../lab/stage/stage.ts';

export interface Ended {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly heard: { readonly out: string; readonly err: string };
  readonly ended: Promise<Ended>;
}

export class Processes {
  readonly #stage: Stage;
  readonly #env: NodeJS.ProcessEnv;
  readonly #running = new Set<ChildProcess>();

  constructor(stage: Stage, env: NodeJS.ProcessEnv = {}) {
    this.#stage = stage;
    this.#env = env;
  }

  /** `holdfast`, as it is installed. */
  holdfast(words: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    return this.node(['bin/holdfast.mjs', ...words], env);
  }

  node(words: readonly string[], more: NodeJS.ProcessEnv = {}): Running {
    const env = { ...process.env, ...environmentOf(this.#stage), ...this.#env, ...more };
    const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#running.add(child);
    const heard = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (heard.out += String(chunk)));
    child.stderr.on('data', (chunk: Buffer) => (heard.err += String(chunk)));
    const ended = new Promise<Ended>((resolve) => child.once('close', (exit) => resolve({ exit, ...heard })));
    void ended.then(() => this.#running.delete(child));
    return { child, heard, ended };
  }

  /** Ends what a test that failed left behind. */
  end(): void {
    for (const child of this.#running) child.kill('SIGKILL');
  }
}

function environmentOf({ config }: Stage): NodeJS.ProcessEnv {
  const { temporal, kubernetes, taskQueue, logDir } = config;
  return {
    TEMPORAL_ADDRESS: temporal.connectionOptions.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    KUBECONFIG: kubernetes.kubeconfig,
    HOLDFAST_KUBE_CONTEXT: kubernetes.context,
    HOLDFAST_KUBE_NAMESPACE: kubernetes.namespace,
    HOLDFAST_TASK_QUEUE: taskQueue,
    HOLDFAST_LOG_DIR: logDir,
  };
}
