/** Workers come and go while tasks run: a stop, two side by side, a deploy. No Job notices. */
import { randomUUID } from 'node:crypto';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobRef } from '../../src/contract.ts';
import { HeldTask, PATIENT } from './phases.ts';
import { command, images, openScene, type Scene, until } from './scene.ts';
import { tellToFinish, UNTIL_TOLD } from './until-told.ts';

const { PENDING_ACTIVITY_STATE_STARTED } = proto.temporal.api.enums.v1.PendingActivityState;

let scene: Scene;
let busybox: string;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene(PATIENT);
});
afterAll(() => scene.close());

const nothing = { anchors: [], jobs: [], pods: [] };

async function running(): Promise<{ readonly taskId: string; readonly job: JobRef; readonly pod: string }> {
  const { taskId } = await scene.client.start(command(busybox, UNTIL_TOLD));
  await until(`${taskId} runs`, async () => (await scene.client.describe(taskId)).pod?.phase === 'Running');
  const { job, pod } = await scene.client.describe(taskId);
  if (job === undefined || pod === undefined) throw new Error(`${taskId} runs without a Job or a Pod`);
  return { taskId, job, pod: pod.name };
}

/** Every Job and Pod of the task that there is. */
async function objectsOf(taskId: string): Promise<readonly string[]> {
  const { jobs, pods } = await scene.remains(taskId);
  return [...jobs, ...pods].map(({ metadata }) => metadata?.uid ?? '');
}

/** The attempt of its pending activity that runs, or waits to. */
async function pendingAttempt(taskId: string): Promise<number> {
  const { raw } = await scene.client.temporal.workflow.getHandle(taskId).describe();
  return raw.pendingActivities?.[0]?.attempt ?? 0;
}

async function eventsOf(taskId: string) {
  return (await scene.client.temporal.workflow.getHandle(taskId).fetchHistory()).events ?? [];
}

describe('a worker that is told to stop (SIGTERM)', () => {
  it('finishes what is short, hands over what is long, ends with 0, and no Job is touched', async () => {
    const first = await scene.startWorker();
    const long = await running();
    const before = await objectsOf(long.taskId);
    const short = new HeldTask(scene, `short-${randomUUID().slice(0, 8)}`, 'started', busybox);
    scene.proxy.setRule((request) => short.faultFor(request) ?? { do: 'pass' });
    await short.reach();
    const ended = first.end('SIGTERM');
    await until('the long one is handed back', async () => (await pendingAttempt(long.taskId)) > 1);
    short.letGo();
    expect(await ended).toBe(0);

    const events = await eventsOf(short.taskId);
    const attempts = events.map(({ activityTaskStartedEventAttributes: started }) => started?.attempt).filter(Boolean);
    const completed = events.filter((event) => event.activityTaskCompletedEventAttributes);
    expect({ attempts, completed: completed.length }, 'provision, start').toEqual({
      attempts: [1, 1],
      completed: 2,
    });
    const between = await objectsOf(short.taskId);
    await scene.startWorker();
    await until('another follows the short one', async () => {
      const { phase, pod } = await scene.client.describe(short.taskId);
      return phase === 'running' && pod?.phase === 'Running';
    });
    await until('and the long one', async () => (await scene.client.describe(long.taskId)).pod?.phase === 'Running');
    expect(await objectsOf(long.taskId)).toEqual(before);
    expect(await objectsOf(short.taskId)).toEqual(between);
    await tellToFinish(scene, long.taskId);
    expect(await scene.client.result(long.taskId)).toMatchObject({ outcome: 'succeeded', result: { job: long.job } });
    expect(await scene.client.cancel(short.taskId)).toBe('cancelled_running');
    await scene.worker.end('SIGTERM');
  });
});

describe('a deploy in the middle of tasks', () => {
  it('old and new workers side by side, then the new alone: each task goes on with its Job, and can be ended', async () => {
    const old = await scene.startWorker();
    const early = await Promise.all([running(), running(), running()]);
    const renewed = await scene.startWorker();
    const late = await Promise.all([running(), running(), running()]);
    const tasks = [...early, ...late];
    const before = await Promise.all(tasks.map(({ taskId }) => objectsOf(taskId)));
    expect(await old.end('SIGTERM')).toBe(0);
    await until('all are followed', async () => (await Promise.all(tasks.map(isFollowed))).every(Boolean));
    expect(await Promise.all(tasks.map(({ taskId }) => objectsOf(taskId)))).toEqual(before);

    await Promise.all([early, late].map(endEachAnotherWay));
    expect(await renewed.end('SIGTERM')).toBe(0);
  });
});

/** In the hands of a worker: one that has ended has handed back what it had. */
async function isFollowed({ taskId }: { readonly taskId: string }): Promise<boolean> {
  const { raw } = await scene.client.temporal.workflow.getHandle(taskId).describe();
  const [pending] = raw.pendingActivities ?? [];
  return pending?.activityType?.name === 'follow' && pending.state === PENDING_ACTIVITY_STATE_STARTED;
}

async function endEachAnotherWay(tasks: readonly Awaited<ReturnType<typeof running>>[]): Promise<void> {
  const [finished, cancelled, terminated] = tasks;
  if (finished === undefined || cancelled === undefined || terminated === undefined) throw new TypeError('three tasks');
  await tellToFinish(scene, finished.taskId);
  expect(await scene.client.result(finished.taskId)).toMatchObject({
    outcome: 'succeeded',
    result: { job: finished.job },
  });
  expect(await scene.client.cancel(cancelled.taskId)).toBe('cancelled_running');
  await scene.client.temporal.workflow.getHandle(terminated.taskId).terminate('operator');
  for (const { taskId } of tasks)
    await until(`nothing of ${taskId} is left`, async () => (await objectsOf(taskId)).length === 0);
  expect(await scene.remains(finished.taskId)).toEqual(nothing);
}
