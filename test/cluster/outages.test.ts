/**
 * The servers are away for a minute, or answer wrongly, with tasks in every phase: each carries on, none is lost, doubled
 * or falsely failed, and a cancel that is asked meanwhile is answered truly. "Away" is away for the worker: a line before
 * the server is cut; the client, and the eyes of the test, go past it. So several can be away at once, each from a worker
 * and tasks of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, inject, it } from 'vitest';
import type { Refusal } from '../../lab/proxy/fault-proxy.ts';
import { type Lines, Stage } from '../../lab/stage/stage.ts';
import { Eyes } from '../../lab/sweep/eyes.ts';
import { Play } from './outage-play.ts';
import { images } from './scene.ts';

/** How long a server is away. Seconds. */
const MINUTE = 60;

/** A stage whose lines can be cut, and tasks in every phase on it; the outage is the body's. */
async function withPlay(seconds: number, outage: (scene: Stage, play: Play) => Promise<void>): Promise<void> {
  const scene = await Stage.open({ workflowBundle: inject('workflowBundle'), breakable: true });
  const eyes = await Eyes.open(scene.kube, scene.namespace);
  try {
    await scene.startWorker();
    const play = await Play.begin(scene, (await images()).busybox, seconds);
    await outage(scene, play);
    await play.end(eyes);
  } finally {
    eyes.close();
    await scene.close();
  }
}

describe('tasks in every phase carry on, none lost, doubled or falsely failed, when', () => {
  it.concurrent.each<readonly [string, readonly (keyof Lines)[]]>([
    ['Kubernetes is', ['kubernetes']],
    ['Temporal is', ['temporal']],
    ['both are', ['kubernetes', 'temporal']],
  ])('%s away for a minute', (_, down) =>
    withPlay(MINUTE, async (scene, play) => {
      for (const server of down) scene.lines[server].cut();
      await play.meanwhile();
      await sleep((MINUTE * 1_000) / 2);
      // What was on the wire arrives with nobody waiting for its answer any more.
      await play.letGo();
      await sleep((MINUTE * 1_000) / 2);
      for (const server of down) scene.lines[server].restore();
    }),
  );

  it('the API server turns everything away, takes our token for expired, has no rights loaded, or is not the one that answers', () =>
    withPlay(35, async (scene, play) => {
      const storms: readonly (readonly [Refusal, number])[] = [
        [429, 20],
        [401, 5],
        ['page', 5],
        [403, 4],
      ];
      for (const [refusal, seconds] of storms) {
        scene.proxy.refuse(refusal);
        // Watches that are open would not notice.
        scene.lines.kubernetes.cut();
        scene.lines.kubernetes.restore();
        if (refusal === 429) await play.meanwhile();
        await play.letGo();
        await sleep(seconds * 1_000);
      }
      scene.proxy.refuse();
    }));
});
