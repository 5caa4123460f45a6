/**
 * With a grace period of 0 s Kubernetes would remove the Pod's object while its container still runs, and nobody could
 * prove anything. The node here is on this machine, so that the container's process itself can be looked for.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { command, images, openScene, type Scene, until, webUi } from './scene.ts';

let scene: Scene;
let busybox: string;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene();
  await scene.startWorker();
});
afterAll(() => scene.close());

/** Whether a process of this machine was called with these words. */
function runs(words: string): boolean {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(words);
    } catch {
      return false;
    }
  });
}

it('of 0 s: "cancelled" is told only when the process of a deaf container is gone', async (context) => {
  if ((await webUi()) === undefined) return context.skip('the node is not on this machine');
  const seconds = String(100_000 + Math.floor(Math.random() * 900_000));
  const script = `trap "" TERM; while true; do sleep ${seconds}; done`;
  for (let round = 0; round < 5; round += 1) {
    const { taskId } = await scene.client.start(command(busybox, script, { gracePeriod: '0s' }));
    await until('its process runs', () => runs(`sleep ${seconds}`));
    expect(await scene.client.cancel(taskId)).toBe('cancelled_running');
    expect(runs(`sleep ${seconds}`)).toBe(false);
  }
});
