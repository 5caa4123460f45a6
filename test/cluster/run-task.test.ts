import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command, FOREVER, images, openScene, type Scene, until } from './scene.ts';

let scene: Scene;
let busybox: string;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene();
  await scene.startWorker();
});
afterAll(() => scene.close());

const nothing = { anchors: [], jobs: [], pods: [] };

describe('a task', () => {
  it('runs as a real Job, gives its result, keeps its output, and leaves nothing', async () => {
    const { taskId } = await scene.client.start(command(busybox, 'echo to be kept; id -u'));
    expect(await scene.client.result(taskId)).toMatchObject({
      outcome: 'succeeded',
      result: { taskId, output: { exitCode: 0 } },
    });
    expect(await scene.remains(taskId)).toEqual(nothing);
    const lines = await Array.fromAsync(scene.client.logs(taskId), ({ text }) => text);
    expect(lines).toEqual(['to be kept', '65532']);
    const { historyLength } = await scene.client.temporal.workflow.getHandle(taskId).describe();
    expect(historyLength).toBeLessThanOrEqual(40);
  });

  it('is cancelled while it runs: told so only when nothing of it is left, and its output is kept', async () => {
    const { taskId } = await scene.client.start(command(busybox, FOREVER));
    await until('it runs', async () => (await scene.client.describe(taskId)).pod?.phase === 'Running');
    expect(await scene.client.cancel(taskId, { reason: 'enough' })).toBe('cancelled_running');
    expect(await scene.remains(taskId)).toEqual(nothing);
    expect(await scene.client.result(taskId)).toEqual({ outcome: 'cancelled', reason: 'enough', started: true });
    expect(await scene.client.cancel(taskId)).toBe('already_cancelled');
    const lines = await Array.fromAsync(scene.client.logs(taskId), ({ text }) => text);
    expect(lines).toContain('began');
  });

  it('that has ended answers a cancel with what it came to', async () => {
    const { taskId } = await scene.client.start(command(busybox, 'true'));
    await scene.client.result(taskId);
    expect(await scene.client.cancel(taskId)).toBe('already_completed');
    const failed = await scene.client.start(command(busybox, 'exit 3'));
    await scene.client.result(failed.taskId);
    expect(await scene.client.cancel(failed.taskId)).toBe('already_failed');
    expect(await scene.client.cancel('no-such-task')).toBe('unknown_task');
  });
});
