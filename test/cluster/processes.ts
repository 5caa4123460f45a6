/** The programs that people run, on what a stage has. */
import type { ChildProcess } from 'node:child_process';
import type { Stage } from '../../lab/stage/stage.ts';
import { HOLDFAST, type Running, startNode } from '../program.ts';

export class Processes {
  readonly #stage: Stage;
  readonly #env: NodeJS.ProcessEnv;
  readonly #running = new Set<ChildProcess>();

  constructor(stage: Stage, env: NodeJS.ProcessEnv = {}) {
    this.#stage = stage;
    this.#env = env;
  }

  holdfast(words: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    return this.node([HOLDFAST, ...words], env);
  }

  node(words: readonly string[], more: NodeJS.ProcessEnv = {}): Running {
    const running = startNode(words, { ...environmentOf(this.#stage), ...this.#env, ...more });
    this.#running.add(running.child);
    void running.ended.then(() => this.#running.delete(running.child));
    return running;
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
