/** Equal rights for plain Temporal users, and the endings that skip workflow code. */
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STATE_QUERY, type Task, type TaskResult, type TaskState } from '../../src/contract.ts';
import { DOORS, openDoor } from './doors.ts';
import { command, FOREVER, images, openScene, type Scene, until } from './scene.ts';
import { tellToFinish, UNTIL_TOLD } from './until-told.ts';

let scene: Scene;
let busybox: string;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene();
  await scene.startWorker();
});
afterAll(() => scene.close());

const nothing = { anchors: [], jobs: [], pods: [] };

type RunTask = (task: Task) => Promise<TaskResult>;

function startPlainly(task: Task): Promise<WorkflowHandle<RunTask>> {
  const workflowId = `plain-${randomUUID()}`;
  return scene.client.temporal.workflow.start<RunTask>('runTask', {
    args: [task],
    workflowId,
    taskQueue: scene.config.taskQueue,
  });
}

async function running(task: Task = command(busybox, FOREVER)): Promise<WorkflowHandle<RunTask>> {
  const handle = await startPlainly(task);
  await until('it runs', async () => (await scene.client.describe(handle.workflowId)).pod?.phase === 'Running');
  return handle;
}

async function isGone(taskId: string): Promise<boolean> {
  const { anchors, jobs, pods } = await scene.remains(taskId);
  return anchors.length + jobs.length + pods.length === 0;
}

describe("Temporal's own client", () => {
  it('starts a task, queries its state, and gets its typed result', async () => {
    const handle = await running(command(busybox, UNTIL_TOLD));
    const state = await handle.query<TaskState>(STATE_QUERY);
    expect(state).toMatchObject({ phase: 'running', workload: 'command', started: true });
    await tellToFinish(scene, handle.workflowId);
    expect(await handle.result()).toMatchObject({ outcome: 'succeeded', output: { exitCode: 0 } });
    expect((await handle.describe()).memo).toMatchObject({ state: { outcome: 'succeeded' } });
  });

  it('cancels with handle.cancel(): CANCELED, and nothing is left when it says so', async () => {
    const handle = await running();
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(await scene.remains(handle.workflowId)).toEqual(nothing);
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    expect(await scene.client.cancel(handle.workflowId)).toBe('already_cancelled');
  });

  it('gets a failure with a code when the task fails', async () => {
    const handle = await startPlainly(command(busybox, 'exit 7'));
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'EXIT_CODE', nonRetryable: true } });
  });

  it("tells the story in Temporal's own record: a summary on every activity, current details, the reason of a cancel", async () => {
    const { taskId } = await scene.client.start(command(busybox, FOREVER));
    await until('it runs', async () => (await scene.client.describe(taskId)).pod?.phase === 'Running');
    const handle = scene.client.temporal.workflow.getHandle(taskId);
    await until('its details tell of its Job and its Pod', async () => {
      const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
      return /Phase \| running[\s\S]*Job[\s\S]*Pod/.test(metadata.currentDetails ?? '');
    });
    await scene.client.cancel(taskId, { reason: 'budget is spent' });
    const { events } = await handle.fetchHistory();
    const scheduled = events?.filter(({ activityTaskScheduledEventAttributes: a }) => a) ?? [];
    expect(scheduled.length).toBeGreaterThanOrEqual(4);
    expect(scheduled.every(({ userMetadata }) => userMetadata?.summary)).toBe(true);
    const asked = events?.find(({ workflowExecutionCancelRequestedEventAttributes: a }) => a);
    expect(asked?.workflowExecutionCancelRequestedEventAttributes?.cause).toBe('budget is spent');
  });

  it('is not told of a growing history by a task that runs on', async () => {
    const handle = await running();
    await handle.cancel();
    await handle.result().catch(() => undefined);
    expect((await handle.describe()).historyLength).toBeLessThan(80);
  });
});

describe('an ending that runs no workflow code', () => {
  it('Terminate while no worker lives: the next worker sweeps', async () => {
    const handle = await running();
    await scene.worker.end('SIGKILL');
    await handle.terminate('operator');
    expect(await isGone(handle.workflowId)).toBe(false);
    await scene.startWorker();
    await until('nothing is left', () => isGone(handle.workflowId), 60);
  });
});

describe.each(DOORS)('the %s', (name) => {
  it('cancels, terminates and resets as the SDK does', async (context) => {
    const door = await openDoor(name, scene);
    if (door === undefined)
      return context.skip(
        'this Temporal was not started by `npm run up`: where its program and web UI are, is not known',
      );
    const [cancelled, terminated, reset] = await Promise.all([running(), running(), running()]);
    const first = await scene.client.describe(reset.workflowId);
    const { events } = await reset.fetchHistory();
    const point = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId;
    await Promise.all([
      door.cancel(cancelled.workflowId),
      door.terminate(terminated.workflowId),
      door.reset(reset.workflowId, first.runId, String(point)),
    ]);
    // Neither sends a reason.
    expect(await scene.client.result(cancelled.workflowId)).toMatchObject({ outcome: 'cancelled', started: true });
    expect(await scene.remains(cancelled.workflowId)).toEqual(nothing);
    await until('nothing is left', () => isGone(terminated.workflowId));
    expect(await scene.client.cancel(terminated.workflowId)).toBe('already_terminated');
    await until('it runs again, with another Job', async () => {
      const { runId, job, pod } = await scene.client.describe(reset.workflowId);
      return runId !== first.runId && job?.uid !== first.job?.uid && pod?.phase === 'Running';
    });
    expect((await scene.remains(reset.workflowId)).jobs).toHaveLength(1);
    await door.cancel(reset.workflowId);
    expect(await scene.client.result(reset.workflowId)).toMatchObject({ outcome: 'cancelled' });
    expect(await scene.remains(reset.workflowId)).toEqual(nothing);
  });
});
