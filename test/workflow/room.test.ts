/** A worker that has no room for what it should follow, as the workflow sees it, on a clock that skips. */
import { activityInfo } from '@temporalio/activity';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { followQueue } from '../../src/contract.ts';
import { type Stage, tellingOf, timeSkipping } from './stage.ts';
import { anchorOf, attempt, later, provisionedOf, SUCCEEDED, world } from './world.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await timeSkipping();
}, 120_000);
afterAll(() => stage.close());

it('a task for which a worker has no room is asked for in the queue of those who wait, with the time that is left of its timeout', async () => {
  const acts = world({
    provision: async (run) => provisionedOf(anchorOf(run, 7_200)),
    follow: async () => {
      if (activityInfo().taskQueue === followQueue(stage.taskQueue)) return SUCCEEDED;
      if (attempt() === 1) throw later('1 hour');
      return undefined;
    },
  });
  const { told, handle } = await stage.play(acts, async (begin) => {
    const begun = await begin();
    return { told: await tellingOf(begun), handle: begun };
  });
  expect([acts.asked.at(-1), told]).toMatchObject(['release', { told: 'result' }]);
  const { events } = await handle.fetchHistory();
  const asked = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: at }) => at ?? []);
  const [first, second] = asked
    .filter(({ activityType }) => activityType?.name === 'follow')
    .map(({ scheduleToCloseTimeout: limit }) => Number(limit?.seconds));
  expect(first).toBe(7_200);
  expect(second).toBeGreaterThan(3_000);
  expect(second).toBeLessThanOrEqual(3_600);
});
