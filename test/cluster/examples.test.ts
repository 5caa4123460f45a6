import { afterAll, beforeAll, expect, it } from 'vitest';
import { Processes } from './processes.ts';
import { images, openScene, type Scene } from './scene.ts';

let scene: Scene;
let processes: Processes;

beforeAll(async () => {
  scene = await openScene();
  processes = new Processes(scene);
  await scene.startWorker();
});
afterAll(async () => {
  processes.end();
  await scene.close();
});

it('examples/run-and-cancel.ts starts, watches and cancels a task, reads its output, and leaves nothing', async () => {
  const python = (await images()).python;
  const { out, exit } = await processes.node(['examples/run-and-cancel.ts'], { HOLDFAST_PYTHON_IMAGE: python }).ended;
  expect(exit).toBe(0);
  const lines = out.trim().split('\n');
  const [, taskId = ''] = /^started (\S+)$/.exec(lines[0] ?? '') ?? [];
  expect(lines).toContain('running Running');
  expect(lines.at(-2)).toBe('cancelled_running');
  expect(lines.at(-1)).toBe('it wrote: I could go on for ever');
  expect(await scene.remains(taskId)).toEqual({ anchors: [], jobs: [], pods: [] });
});
