/** Equal rights for plain Temporal users, and the endings that skip workflow code. */
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STATE_QUERY, type Task, type TaskResult, type TaskState } from '../../src/contract.ts';
import { command, FOREVER, images, openScene, type Scene, until, webUi } from './scene.ts';

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
    const handle = await running(command(busybox, 'sleep 2'));
    const state = await handle.query<TaskState>(STATE_QUERY);
    expect(state).toMatchObject({ phase: 'running', workload: 'command', started: true });
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

  it("cancels with the web UI's Cancel button, which sends no reason", async (context) => {
    const ui = await webUi();
    if (ui === undefined)
      return context.skip('this Temporal was not started by `npm run up`: where its web UI is, is not known');
    const handle = await running();
    const settings = await fetch(`${ui}/api/v1/settings`);
    const token = /_csrf=([^;]+)/.exec(settings.headers.getSetCookie().join(';'))?.[1] ?? '';
    const { namespace } = scene.client.temporal.options;
    const workflowExecution = { workflowId: handle.workflowId, runId: (await handle.describe()).runId };
    const pressed = await fetch(`${ui}/api/v1/namespaces/${namespace}/workflows/${handle.workflowId}/cancel`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: `_csrf=${token}`, 'x-csrf-token': token },
      body: JSON.stringify({ namespace, workflowExecution }),
    });
    expect(pressed.status).toBe(200);
    expect(await scene.client.result(handle.workflowId)).toMatchObject({ outcome: 'cancelled', started: true });
    expect(await scene.remains(handle.workflowId)).toEqual(nothing);
  });

  it('gets a failure with a code when the task fails', async () => {
    const handle = await startPlainly(command(busybox, 'exit 7'));
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'EXIT_CODE', nonRetryable: true } });
  });

  it("tells the story in Temporal's own record: a summary on every activity, current details, the reason of a cancel", async () => {
    const { taskId } = await scene.client.start(command(busybox, FOREVER));
    await until('it runs', async () => (await scene.client.describe(taskId)).pod?.phase === 'Running');
    const handle = scene.client.temporal.workflow.getHandle(taskId);
    const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    expect(metadata.currentDetails).toMatch(/Phase \| running[\s\S]*Job[\s\S]*Pod/);
    await scene.client.cancel(taskId, { reason: 'budget is spent' });
    const { events } = await handle.fetchHistory();
    const scheduled = events?.filter(({ activityTaskScheduledEventAttributes: a }) => a) ?? [];
    expect(scheduled.length).toBeGreaterThanOrEqual(5);
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
  it('Terminate while it runs: the worker notices, and releases everything', async () => {
    const handle = await running();
    await handle.terminate('operator');
    await until('nothing is left', () => isGone(handle.workflowId), 60);
    expect(await scene.client.cancel(handle.workflowId)).toBe('already_terminated');
  });

  it('Terminate while no worker lives: the next worker sweeps', async () => {
    const handle = await running();
    await scene.worker.end('SIGKILL');
    await handle.terminate('operator');
    expect(await isGone(handle.workflowId)).toBe(false);
    await scene.startWorker();
    await until('nothing is left', () => isGone(handle.workflowId), 60);
  });

  it('Reset at every point, then cancel: one started Job at a time, and nothing left', async () => {
    const handle = await running();
    const events = (await handle.fetchHistory()).events ?? [];
    const points = events.flatMap(({ eventId, workflowTaskCompletedEventAttributes: a }) => (a ? [eventId] : []));
    expect(points.length).toBeGreaterThan(4);
    for (const point of points) {
      const fresh = await running();
      const { runId } = await fresh.describe();
      await scene.client.temporal.workflowService.resetWorkflowExecution({
        namespace: scene.client.temporal.options.namespace,
        workflowExecution: { workflowId: fresh.workflowId, runId },
        reason: `point ${String(point)}`,
        workflowTaskFinishEventId: point ?? null,
        requestId: randomUUID(),
      });
      await until('it runs again', async () => {
        const view = await scene.client.describe(fresh.workflowId);
        return view.runId !== runId && view.phase === 'running' && view.pod?.phase === 'Running';
      });
      const { jobs } = await scene.remains(fresh.workflowId);
      const live = jobs.filter(({ metadata, spec }) => !metadata?.deletionTimestamp && spec?.suspend !== true);
      expect(live).toHaveLength(1);
      expect(await scene.client.cancel(fresh.workflowId)).toBe('cancelled_running');
      expect(await scene.remains(fresh.workflowId)).toEqual(nothing);
    }
    await handle.cancel();
    await until('nothing is left', () => isGone(handle.workflowId));
  }, 600_000);
});
