/** Tasks that stay in one phase of their life, until somebody ends them: on a request that is held, or by themselves. */
import { WorkflowFailedError, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import type { Kind, SeenRequest, Verb } from '../../lab/proxy/classify.ts';
import type { Fault } from '../../lab/proxy/fault-proxy.ts';
import { Gate } from '../../lab/proxy/gate.ts';
import { type Task, type TaskResult, WORKFLOW_TYPE } from '../../src/contract.ts';
import { command, type Scene, until } from './scene.ts';

export type RunTask = (task: Task) => Promise<TaskResult>;
export type TaskHandle = WorkflowHandleWithFirstExecutionRunId<RunTask>;

export const PHASES = ['provisioning', 'reserving', 'reserved', 'started', 'pending', 'running', 'releasing'] as const;
export type Phase = (typeof PHASES)[number];

/** Phases in which a container runs. */
export const WITH_CONTAINER: readonly Phase[] = ['started', 'running', 'releasing'];

interface Hold {
  readonly verb: Verb;
  readonly kind: Kind;
  readonly fault: 'hold' | 'hold answer';
}

/** The first such request of a task waits; what comes after it passes. */
const HOLDS: Readonly<Partial<Record<Phase, Hold>>> = {
  provisioning: { verb: 'create', kind: 'ConfigMap', fault: 'hold' },
  reserving: { verb: 'create', kind: 'Job', fault: 'hold' },
  reserved: { verb: 'patch', kind: 'Job', fault: 'hold' },
  started: { verb: 'patch', kind: 'Job', fault: 'hold answer' },
  releasing: { verb: 'delete', kind: 'Job', fault: 'hold' },
};

/** Does not hear SIGTERM: it runs for the whole grace period, one second. */
export const DEAF = 'trap "" TERM; echo began; while true; do sleep 1; done';
const NOWHERE = { 'holdfast.dev/test': 'no-such-node' };

/**
 * For the worker: a held request is not taken for lost before the timeouts below have passed; and the sweeper, which
 * looks twice, does in no case what is to be done within five seconds.
 */
export const PATIENT = { HOLDFAST_KUBE_DEADLINE_MS: '20000', HOLDFAST_SWEEP_SECONDS: '6' };

export interface PlainOptions {
  readonly workflowRunTimeout?: '18s';
  readonly workflowExecutionTimeout?: '18s';
  readonly workflowIdConflictPolicy?: 'TERMINATE_EXISTING';
}

/** Starts a task with Temporal's own client, as anybody may. */
export function startPlainly(
  scene: Scene,
  workflowId: string,
  task: Task,
  options: PlainOptions = {},
): Promise<TaskHandle> {
  const { taskQueue } = scene.config;
  return scene.client.temporal.workflow.start<RunTask>(WORKFLOW_TYPE, {
    args: [task],
    workflowId,
    taskQueue,
    ...options,
  });
}

export class HeldTask {
  readonly taskId: string;
  readonly phase: Phase;
  readonly #scene: Scene;
  readonly #image: string;
  readonly #late = new Gate();
  #isHeld = false;
  #isCancelled = false;

  constructor(scene: Scene, taskId: string, phase: Phase, image: string) {
    this.taskId = taskId;
    this.phase = phase;
    this.#scene = scene;
    this.#image = image;
  }

  /** What the proxy does to a request of this task; undefined if it is not one of its. */
  faultFor(request: SeenRequest): Fault | undefined {
    if (!request.of.startsWith(`hf-${this.taskId}-`)) return undefined;
    const hold = HOLDS[this.phase];
    if (this.#isHeld || hold?.verb !== request.verb || hold.kind !== request.kind) return { do: 'pass' };
    this.#isHeld = true;
    return { do: hold.fault, until: this.#late };
  }

  /** The held request reaches the server now, or its answer the worker: as late as the test says. */
  letGo(): void {
    this.#late.open();
  }

  /** Starts the task and waits until it has come to its phase. @throws TooLate */
  async reach(options: PlainOptions = {}): Promise<TaskHandle> {
    const { taskId, phase } = this;
    const task = command(this.#image, DEAF, phase === 'pending' ? { nodeSelector: NOWHERE } : {});
    const handle = await startPlainly(this.#scene, taskId, task, options);
    let isOver = false;
    handle.result().then(
      () => (isOver = true),
      (error: unknown) => (isOver = error instanceof WorkflowFailedError),
    );
    await until(`${taskId} is ${phase}`, async () => isOver || (await this.#hasCome()));
    const { status } = await handle.describe();
    if (!isOver && status.name === 'RUNNING') return handle;
    const words = `${taskId} was ${status.name} before it was ${phase}: ${await told(handle)}`;
    throw status.name === 'TIMED_OUT' ? new TooLate(words) : new Error(words);
  }

  async #hasCome(): Promise<boolean> {
    switch (this.phase) {
      case 'pending':
        return this.#hasPod('Pending');
      case 'running':
        return this.#hasPod('Running');
      case 'releasing':
        if (!this.#isCancelled && (await this.#hasPod('Running'))) {
          this.#isCancelled = true;
          await this.#scene.client.cancel(this.taskId, { wait: false });
        }
        return this.#isHeld;
      case 'started':
        // Nobody follows it yet.
        return this.#isHeld && hasContainer(this.#scene, this.taskId);
      default:
        return this.#isHeld;
    }
  }

  async #hasPod(phase: string): Promise<boolean> {
    return (await this.#scene.client.describe(this.taskId)).pod?.phase === phase;
  }
}

/** A task whose time was up before it came to its phase. */
export class TooLate extends Error {}

/** What happened to it and when, in seconds: which part of a busy machine kept it. */
async function told(handle: TaskHandle): Promise<string> {
  const events = (await handle.fetchHistory()).events ?? [];
  const begun = optionalTsToMs(events[0]?.eventTime) ?? NaN;
  const lines = events.map(({ eventTime, eventType }) => {
    const seconds = (((optionalTsToMs(eventTime) ?? NaN) - begun) / 1_000).toFixed(1);
    return `${proto.temporal.api.enums.v1.EventType[eventType ?? 0]} at ${seconds} s`;
  });
  return lines.join(', ');
}

export async function hasContainer(scene: Scene, taskId: string): Promise<boolean> {
  const { pods } = await scene.remains(taskId);
  return pods.some(({ status }) => status?.containerStatuses?.[0]?.state?.running !== undefined);
}
