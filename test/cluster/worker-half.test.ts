/** A worker of which one half has failed is of no use, and does harm if it stays: it ends, and the next goes on. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { command, images, openScene, type Scene, until } from './scene.ts';

const PRELOAD = fileURLToPath(new URL('./thread-ends.mjs', import.meta.url));

let scene: Scene;

beforeAll(async () => {
  scene = await openScene({ NODE_OPTIONS: `--import ${PRELOAD}` });
});
afterAll(() => scene.close());

it('a worker whose workflows cannot run any more ends, and says why; another finishes what it was given', async () => {
  const worker = await scene.startWorker();
  worker.signal('SIGUSR2');
  await until('its threads have ended', async () => worker.log.some((line) => line.includes('threads have ended')));
  const { taskId } = await scene.client.start(command((await images()).busybox, 'true'));
  await until('it has ended', async () => worker.ending === 'ended with exit code 1', 30);
  await scene.startWorker();
  expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'succeeded' });
  expect(await scene.remains(taskId)).toEqual({ anchors: [], jobs: [], pods: [] });
});
