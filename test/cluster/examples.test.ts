import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { images, openScene, type Scene } from './scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
  await scene.startWorker();
});
afterAll(() => scene.close());

it('examples/run-and-cancel.ts starts, watches and cancels a task, reads its output, and leaves nothing', async () => {
  const { temporal, taskQueue, logDir } = scene.config;
  const env = {
    ...process.env,
    TEMPORAL_ADDRESS: temporal.connectionOptions.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    HOLDFAST_TASK_QUEUE: taskQueue,
    HOLDFAST_LOG_DIR: logDir,
    HOLDFAST_PYTHON_IMAGE: (await images()).python,
  };
  const { stdout } = await promisify(execFile)(process.execPath, ['examples/run-and-cancel.ts'], { env });
  const lines = stdout.trim().split('\n');
  const [, taskId = ''] = /^started (\S+)$/.exec(lines[0] ?? '') ?? [];
  expect(lines).toContain('running Running');
  expect(lines.at(-2)).toBe('cancelled_running');
  expect(lines.at(-1)).toBe('it wrote: I could go on for ever');
  expect(await scene.remains(taskId)).toEqual({ anchors: [], jobs: [], pods: [] });
});
