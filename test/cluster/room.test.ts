/** A worker that has no room for what it should follow: that waits for its turn, and its end is told then. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { followQueue } from '../../src/contract.ts';
import { command, FOREVER, images, openScene, type Scene, until } from './scene.ts';

/** Some of it is for who comes in turn, as long as the worker asks for those. */
const ROOM = 6;

let scene: Scene;

beforeAll(async () => {
  scene = await openScene({ HOLDFAST_MAX_TASKS: `${ROOM}` });
  await scene.startWorker();
});
afterAll(() => scene.close());

/** The queues on which it was asked to be followed, in their order. */
async function askedOn(taskId: string): Promise<readonly (string | null | undefined)[]> {
  const { events } = await scene.client.temporal.workflow.getHandle(taskId).fetchHistory();
  const asked = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: at }) => at ?? []);
  return asked.filter(({ activityType }) => activityType?.name === 'follow').map(({ taskQueue }) => taskQueue?.name);
}

async function begin(script: string, phase: string): Promise<string> {
  const { taskId } = await scene.client.start(command((await images()).busybox, script));
  await until(`its Pod is ${phase}`, async () => {
    const { pods } = await scene.remains(taskId);
    return pods.some(({ status }) => status?.phase === phase);
  });
  return taskId;
}

it('what is more than a worker has room for runs, and is followed in its turn; a cancel waits for none', async () => {
  const tasks: string[] = [];
  for (let each = 0; each < ROOM; each += 1) {
    const taskId = await begin(FOREVER, 'Running');
    await until('it is followed', async () => (await scene.client.describe(taskId)).pod?.phase === 'Running');
    tasks.push(taskId);
  }
  const [first = '', second = '', ...others] = tasks;
  const [here, inTurn] = [scene.config.taskQueue, followQueue(scene.config.taskQueue)];
  const queues = await Promise.all(tasks.map(askedOn));
  expect(queues[0]).toEqual([here]);
  expect(queues.at(-1)).toEqual([here, inTurn]);

  const [ended, running] = [await begin('true', 'Succeeded'), await begin(FOREVER, 'Running')];
  expect(await askedOn(ended)).toEqual([here, inTurn]);
  expect((await scene.client.describe(ended)).phase).toBe('running');
  expect(await scene.client.cancel(running)).toBe('cancelled_running');
  expect((await scene.client.describe(ended)).phase).toBe('running');
  expect(await scene.client.cancel(second)).toBe('cancelled_running');
  expect(await scene.client.result(ended)).toMatchObject({ outcome: 'succeeded' });
  expect(await scene.client.cancel(first)).toBe('cancelled_running');
  for (const taskId of others) expect(await scene.client.cancel(taskId)).toBe('cancelled_running');
  for (const taskId of [...tasks, ended, running])
    expect(await scene.remains(taskId)).toEqual({ anchors: [], jobs: [], pods: [] });
});
