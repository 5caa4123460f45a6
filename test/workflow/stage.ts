/**
 * Where the workflow plays against a world made of answers. Two stages: Temporal's time-skipping server (hours pass in
 * milliseconds), and the real server that is up, for what the former gets wrong. Only the workflow's own logic is
 * tested here; what the activities do, and what is left in a cluster, is the business of test/cluster.
 */
import { randomUUID } from 'node:crypto';
import { activityInfo } from '@temporalio/activity';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { inject } from 'vitest';
import type { Activities } from '../../src/activities/index.ts';
import { readConfig } from '../../src/config.ts';
import {
  type CommandTask,
  followQueue,
  type Problem,
  type Task,
  type TaskResult,
  type TaskState,
} from '../../src/contract.ts';
import type { LimitActivities } from '../../src/limits/activities.ts';
import { timeSkippingServer } from '../../lab/stage/time-skipping-server.ts';

export type RunTask = (task: Task) => Promise<TaskResult>;
export type TaskHandle = WorkflowHandle<RunTask>;

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
});

export interface Stage {
  readonly client: Client;
  readonly taskQueue: string;
  /** Says which world answers a task that somebody else starts. */
  cast(taskId: string, activities: Activities): void;
  /** Says what a limiter sees of the cluster; nothing, if nothing is said. */
  castLimiter(limiter: string, activities: LimitActivities): void;
  /** Plays one task, or several, against these activities. */
  play<T>(activities: Activities, plot: (begin: Begin) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface More {
  readonly startDelay?: '1 hour';
  readonly memo?: Readonly<Record<string, unknown>>;
  readonly priority?: { readonly priorityKey?: number; readonly fairnessKey?: string };
}

/** Starts a task. Without an execution timeout, closing makes the time-skipping server leap ten years. */
export type Begin = (task?: unknown, workflowId?: string, more?: More) => Promise<TaskHandle>;

export const TASK: CommandTask = { workload: 'command', image: 'a' };

export async function timeSkipping(): Promise<Stage> {
  const { environment, end } = await timeSkippingServer();
  const { client, nativeConnection, namespace = 'default' } = environment;
  return stageOn(client, nativeConnection, namespace, end);
}

export async function realTemporal(): Promise<Stage> {
  const { connectionOptions, namespace } = readConfig().temporal;
  const connection = await Connection.connect(connectionOptions);
  const native = await NativeConnection.connect(connectionOptions);
  return stageOn(new Client({ connection, namespace }), native, namespace, async () => {
    await connection.close();
    await native.close();
  });
}

/** One worker for all plays of a file; which world answers is found by the task's id. */
async function stageOn(
  client: Client,
  connection: NativeConnection,
  namespace: string,
  close: () => Promise<void>,
): Promise<Stage> {
  const worlds = new Map<string, Activities>();
  const limiters = new Map<string, LimitActivities>();
  const taskQueue = `hf-play-${randomUUID().slice(0, 8)}`;
  const shared = {
    connection,
    namespace,
    activities: { ...byTask(worlds), ...byLimiter(limiters) },
    maxHeartbeatThrottleInterval: '100ms',
  } as const;
  const workflowBundle = { codePath: inject('workflowBundle') };
  const workers = [
    await Worker.create({ ...shared, taskQueue, workflowBundle }),
    await Worker.create({ ...shared, taskQueue: followQueue(taskQueue) }),
  ];
  const stopped = Promise.all(workers.map((worker) => worker.run()));
  const begin = (activities: Activities): Begin => {
    return (task = TASK, workflowId = `play-${randomUUID()}`, more = {}) => {
      worlds.set(workflowId, activities);
      const args: [Task] = [task as Task];
      const options = { args, taskQueue, workflowId, workflowExecutionTimeout: '60 days', ...more } as const;
      return client.workflow.start<RunTask>('runTask', options);
    };
  };
  return {
    client,
    taskQueue,
    cast: (taskId, activities) => void worlds.set(taskId, activities),
    castLimiter: (limiter, activities) => void limiters.set(limiter, activities),
    play: (activities, plot) => plot(begin(activities)),
    async close() {
      for (const worker of workers) worker.shutdown();
      await stopped;
      await close();
    },
  };
}

function byTask(worlds: ReadonlyMap<string, Activities>): Activities {
  const world = (): Activities => {
    const { workflowId } = activityInfo().workflowExecution ?? {};
    const found = worlds.get(workflowId ?? '');
    if (found === undefined) throw new TypeError(`no world for ${workflowId}`);
    return found;
  };
  return {
    provision: (...given) => world().provision(...given),
    admit: (...given) => world().admit(...given),
    reserve: (...given) => world().reserve(...given),
    start: (...given) => world().start(...given),
    queue: (...given) => world().queue(...given),
    follow: (...given) => world().follow(...given),
    release: (...given) => world().release(...given),
  };
}

const NOTHING_HELD: LimitActivities = {
  holders: async () => [],
  vanished: async () => ({ gone: [], limits: {} }),
};

function byLimiter(limiters: ReadonlyMap<string, LimitActivities>): LimitActivities {
  const own = () => limiters.get(activityInfo().workflowExecution?.workflowId ?? '') ?? NOTHING_HELD;
  return { holders: (limiter) => own().holders(limiter), vanished: (runs) => own().vanished(runs) };
}

/** How the task ended, as Temporal tells it. */
export type Told =
  | { readonly told: 'result'; readonly result: TaskResult }
  | { readonly told: 'cancelled' }
  | { readonly told: 'failed'; readonly code: string; readonly problem: Problem };

export async function tellingOf(handle: TaskHandle): Promise<Told> {
  try {
    return { told: 'result', result: await handle.result() };
  } catch (error) {
    const cause = (error as { cause?: unknown }).cause;
    if (cause instanceof ApplicationFailure)
      return { told: 'failed', code: cause.type ?? '', problem: cause.details?.[0] as Problem };
    if ((cause as { name?: string } | undefined)?.name === 'CancelledFailure') return { told: 'cancelled' };
    throw error;
  }
}

/** The state that the memo keeps, readable with no worker alive. */
export async function memoOf(handle: TaskHandle): Promise<TaskState> {
  return (await handle.describe()).memo?.['state'] as TaskState;
}

/** The request that the client makes: the SDK's own cancel() has no place for a reason. */
export async function cancelWithReason(client: Client, { workflowId }: TaskHandle, reason: string): Promise<void> {
  const { namespace } = client.options;
  const workflowExecution = { workflowId };
  await client.workflowService.requestCancelWorkflowExecution({ namespace, workflowExecution, reason });
}
