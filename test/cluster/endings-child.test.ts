/** A task that is somebody's child: what its parent's end does to it is Temporal's parent close policy, and it holds. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ParentClosePolicy } from '@temporalio/workflow';
import type { ParentInput } from './parent-workflow.ts';
import { command, FOREVER, images, openScene, type Scene, until } from './scene.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

let scene: Scene;
let busybox: string;
let parents: Worker;
let stopped: Promise<void>;
let connection: NativeConnection;

beforeAll(async () => {
  ({ busybox } = await images());
  // The sweeper has no part in this.
  scene = await openScene({ HOLDFAST_SWEEP_SECONDS: '0' });
  const { connectionOptions, namespace } = scene.config.temporal;
  connection = await NativeConnection.connect(connectionOptions);
  parents = await Worker.create({
    connection,
    namespace,
    taskQueue: `${scene.config.taskQueue}-parents`,
    workflowsPath: fileURLToPath(new URL('./parent-workflow.ts', import.meta.url)),
  });
  stopped = parents.run();
  await scene.startWorker();
});
afterAll(async () => {
  parents.shutdown();
  await stopped;
  await connection.close();
  await scene.close();
});

const nothing = { anchors: [], jobs: [], pods: [] };

/** Begins a parent, and waits until its task runs. */
async function parentOf(workflow: 'startAndLive' | 'awaitTask', policy: readonly ParentClosePolicy[] = []) {
  const taskId = `child-${randomUUID()}`;
  const input: ParentInput = { task: command(busybox, FOREVER), taskId, taskQueue: scene.config.taskQueue };
  const parent: WorkflowHandle = await scene.client.temporal.workflow.start(workflow, {
    args: [input, ...policy],
    workflowId: `parent-of-${taskId}`,
    taskQueue: parents.options.taskQueue,
  });
  await until(`${taskId} runs`, async () => hasPod(taskId));
  return { parent, taskId };
}

async function hasPod(taskId: string): Promise<boolean> {
  const view = await scene.client.describe(taskId).catch(() => undefined);
  return view?.pod?.phase === 'Running';
}

async function untilNothingIsLeft(taskId: string): Promise<void> {
  await until(`nothing of ${taskId} is left`, async () => {
    const { anchors, jobs, pods } = await scene.remains(taskId);
    return anchors.length + jobs.length + pods.length === 0;
  });
}

describe('a task whose parent is terminated', () => {
  it.concurrent('is released, when its policy is TERMINATE: the default of Temporal', async () => {
    const { parent, taskId } = await parentOf('startAndLive', ['TERMINATE']);
    await parent.terminate('operator');
    await untilNothingIsLeft(taskId);
    expect(await scene.client.cancel(taskId)).toBe('already_terminated');
  });

  it.concurrent('is cancelled, and told so after release, when its policy is REQUEST_CANCEL', async () => {
    const { parent, taskId } = await parentOf('startAndLive', ['REQUEST_CANCEL']);
    await parent.terminate('operator');
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'cancelled', started: true });
    expect(await scene.remains(taskId)).toEqual(nothing);
    expect(await scene.client.cancel(taskId)).toBe('already_cancelled');
  });

  it.concurrent('goes on, when its policy is ABANDON, and can be cancelled as any other', async () => {
    const { parent, taskId } = await parentOf('startAndLive', ['ABANDON']);
    const { job } = await scene.client.describe(taskId);
    await parent.terminate('operator');
    // Two beats of what follows it: it has not been told of any end.
    const seen = new Set<number>();
    await until('it is followed on', async () => {
      const { raw } = await scene.client.temporal.workflow.getHandle(taskId).describe();
      seen.add(Number(raw.pendingActivities?.[0]?.lastHeartbeatTime?.seconds ?? 0));
      return seen.size > 3;
    });
    expect((await scene.remains(taskId)).jobs.map(({ metadata }) => metadata?.uid)).toEqual([job?.uid]);
    expect(await scene.client.cancel(taskId)).toBe('cancelled_running');
    expect(await scene.remains(taskId)).toEqual(nothing);
  });
});

describe('a parent that waits for its task', () => {
  it('is cancelled only when nothing of the task is left', async () => {
    const { parent, taskId } = await parentOf('awaitTask');
    await parent.cancel();
    await expect(parent.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(await scene.remains(taskId)).toEqual(nothing);
    expect(await scene.client.cancel(taskId)).toBe('already_cancelled');
  });
});
