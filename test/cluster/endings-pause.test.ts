/** Pause and Reset of an activity, by whoever may: the Job is left alone, and the task goes on when it is let. */
import { randomUUID } from 'node:crypto';
import { isGrpcServiceError } from '@temporalio/client';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeldTask, PATIENT, startPlainly } from './phases.ts';
import { command, images, openScene, type Scene, until } from './scene.ts';
import { tellToFinish, UNTIL_TOLD } from './until-told.ts';

const { PENDING_ACTIVITY_STATE_PAUSED, PENDING_ACTIVITY_STATE_STARTED } =
  proto.temporal.api.enums.v1.PendingActivityState;
const UNIMPLEMENTED = 12;

let scene: Scene;
let busybox: string;
const held: HeldTask[] = [];

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene(PATIENT);
  scene.proxy.setRule((request) => held.map((task) => task.faultFor(request)).find(Boolean) ?? { do: 'pass' });
  await scene.startWorker();
});
afterAll(() => scene.close());

const nothing = { anchors: [], jobs: [], pods: [] };

async function running(): Promise<string> {
  const { workflowId } = await startPlainly(scene, `pause-${randomUUID()}`, command(busybox, UNTIL_TOLD));
  await until(`${workflowId} runs`, async () => (await scene.client.describe(workflowId)).pod?.phase === 'Running');
  return workflowId;
}

function hold(phase: 'started' | 'releasing'): HeldTask {
  const task = new HeldTask(scene, `pause-${randomUUID().slice(0, 8)}`, phase, busybox);
  held.push(task);
  return task;
}

type Verb = 'start' | 'follow' | 'release';

/** What Temporal's own client, the CLI and the web UI send. */
async function ask(what: 'pause' | 'unpause' | 'reset', workflowId: string, type: Verb): Promise<void> {
  const { workflowService, options } = scene.client.temporal;
  const request = { namespace: options.namespace, execution: { workflowId }, type, identity: 'operator' };
  if (what === 'pause') await workflowService.pauseActivity(request);
  if (what === 'unpause') await workflowService.unpauseActivity(request);
  if (what === 'reset') await workflowService.resetActivity(request);
}

async function pendingOf(taskId: string) {
  const { raw } = await scene.client.temporal.workflow.getHandle(taskId).describe();
  return raw.pendingActivities?.[0];
}

/** When the attempt that is pending was last taken by a worker: milliseconds since 1970. */
async function startedAt(taskId: string): Promise<number> {
  return optionalTsToMs((await pendingOf(taskId))?.lastStartedTime) ?? NaN;
}

/** Its running attempt has been told, and has ended. */
async function pause(taskId: string, type: Verb): Promise<void> {
  await ask('pause', taskId, type);
  await until(
    `${type} of ${taskId} has paused`,
    async () => (await pendingOf(taskId))?.state === PENDING_ACTIVITY_STATE_PAUSED,
  );
}

/** Job and Pod; none of them is ending. */
async function objectsOf(taskId: string): Promise<readonly string[]> {
  const { jobs, pods } = await scene.remains(taskId);
  return [...jobs, ...pods].map(
    ({ kind, metadata }) => `${kind} ${metadata?.uid} ${metadata?.deletionTimestamp ? 'ending' : ''}`,
  );
}

async function untilFollowed(taskId: string): Promise<void> {
  await until(`${taskId} is followed`, async () => {
    const pending = await pendingOf(taskId);
    return pending?.activityType?.name === 'follow' && pending.state === PENDING_ACTIVITY_STATE_STARTED;
  });
}

describe('an activity that is paused', () => {
  it.concurrent('while the Job runs: the Job is left alone, and the task goes on to its result', async () => {
    const taskId = await running();
    const before = await objectsOf(taskId);
    await pause(taskId, 'follow');
    expect(await objectsOf(taskId)).toEqual(before);
    await ask('unpause', taskId, 'follow');
    await untilFollowed(taskId);
    expect(await objectsOf(taskId)).toEqual(before);
    await tellToFinish(scene, taskId);
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'succeeded' });
    expect(await scene.remains(taskId)).toEqual(nothing);
  });

  it.concurrent('while the Job ends by itself: its result is told when it goes on', async () => {
    const taskId = await running();
    await pause(taskId, 'follow');
    await tellToFinish(scene, taskId);
    await until('the Job has ended', async () => (await scene.remains(taskId)).jobs[0]?.status?.succeeded === 1);
    await ask('unpause', taskId, 'follow');
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'succeeded' });
  });

  it.concurrent('with the start of the Job on the wire: one Job, which runs on', async () => {
    const task = hold('started');
    await task.reach();
    const before = await objectsOf(task.taskId);
    await pause(task.taskId, 'start');
    task.letGo();
    await ask('unpause', task.taskId, 'start');
    await untilFollowed(task.taskId);
    expect(await objectsOf(task.taskId)).toEqual(before);
    expect(await scene.client.cancel(task.taskId)).toBe('cancelled_running');
    expect(await scene.remains(task.taskId)).toEqual(nothing);
  });

  it.concurrent('while it releases: nobody is told before it has gone on and is done', async () => {
    const task = hold('releasing');
    const handle = await task.reach();
    await pause(task.taskId, 'release');
    task.letGo();
    expect((await handle.describe()).status.name).toBe('RUNNING');
    await ask('unpause', task.taskId, 'release');
    expect(await scene.client.result(task.taskId)).toMatchObject({ outcome: 'cancelled' });
    expect(await scene.remains(task.taskId)).toEqual(nothing);
  });

  it.concurrent('can be cancelled: what is paused is only the looking', async () => {
    const taskId = await running();
    await pause(taskId, 'follow');
    expect(await scene.client.cancel(taskId)).toBe('cancelled_running');
    expect(await scene.remains(taskId)).toEqual(nothing);
  });

  it.concurrent('and whose workflow is terminated meanwhile: nobody notices but the sweeper', async () => {
    const taskId = await running();
    await pause(taskId, 'follow');
    await scene.client.temporal.workflow.getHandle(taskId).terminate('operator');
    await until('nothing is left', async () => (await objectsOf(taskId)).length === 0);
  });
});

describe('an activity that is reset', () => {
  it.concurrent('is followed anew, by the same Job', async () => {
    const taskId = await running();
    const before = await objectsOf(taskId);
    const first = await startedAt(taskId);
    await ask('reset', taskId, 'follow');
    await until('another attempt has begun', async () => (await startedAt(taskId)) > first);
    expect(await objectsOf(taskId)).toEqual(before);
    expect(await scene.client.cancel(taskId)).toBe('cancelled_running');
  });
});

describe('a workflow that is paused', () => {
  it.concurrent('runs on, and is cancelled when it goes on', async (context) => {
    const taskId = await running();
    const before = await objectsOf(taskId);
    const { workflowService, options } = scene.client.temporal;
    const request = { namespace: options.namespace, workflowId: taskId, identity: 'operator', reason: 'a test' };
    const isPaused = await workflowService.pauseWorkflowExecution({ ...request, requestId: randomUUID() }).then(
      () => true,
      (error: unknown) => {
        if (isGrpcServiceError(error) && error.code === UNIMPLEMENTED) return false;
        throw error;
      },
    );
    if (!isPaused) {
      await scene.client.cancel(taskId);
      return context.skip('this Temporal cannot pause a workflow');
    }
    expect(await objectsOf(taskId)).toEqual(before);
    await scene.client.cancel(taskId, { wait: false });
    await workflowService.unpauseWorkflowExecution({ ...request, requestId: randomUUID() });
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'cancelled' });
    expect(await scene.remains(taskId)).toEqual(nothing);
  });
});
