/** Tasks that queue for a slot where time is skipped: what their limiter finds out by itself, and when it ends. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import { newLimiter, nameOf, ELSEWHERE, limited, limiterState } from './limits-stage.ts';
import { type Stage, tellingOf, timeSkipping } from './stage.ts';
import { failure, jobOf } from './world.ts';

describe('on a clock that skips', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await timeSkipping();
  }, 120_000);
  afterAll(() => stage.close());

  it('a limiter that was terminated is asked again, finds who holds a slot, and lets in who waits', async () => {
    const limiter = newLimiter();
    let [begun, looks] = [0, 0];
    stage.castLimiter(limiter, {
      holders: async () => {
        begun += 1;
        return [ELSEWHERE];
      },
      vanished: async (runs) => {
        looks += 1;
        expect(runs).toEqual([{ run: ELSEWHERE.run, taskId: ELSEWHERE.taskId }]);
        return { gone: looks < 4 ? [] : [ELSEWHERE.run], limits: { running: 1 } };
      },
    });
    const acts = limited(limiter, { running: 1 });
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      await until('it waits', async () => {
        const asked = limiterState(stage.client.workflow.getHandle(limiter)).catch(() => undefined);
        return (await asked)?.waiting === 1;
      });
      await stage.client.workflow.getHandle(limiter).terminate();
      expect(await tellingOf(handle)).toMatchObject({ told: 'result' });
      expect(begun).toBe(2);
      expect(looks).toBeGreaterThanOrEqual(4);
      expect(acts.asked.filter((verb) => verb === 'admit').length).toBeGreaterThan(1);
    });
  });

  it('each attempt of a task whose anchor was lost queues anew', async () => {
    const limiter = newLimiter();
    const names: string[] = [];
    const acts = limited(
      limiter,
      { running: 1 },
      {
        reserve: async (held) => {
          names.push(held.name);
          if (held.run.attempt === 1) throw failure('ANCHOR_LOST');
          return jobOf(held);
        },
      },
    );
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      expect(await tellingOf(handle)).toMatchObject({ told: 'result' });
      const { runId } = await handle.describe();
      expect(names).toEqual([nameOf({ runId, attempt: 1 }), nameOf({ runId, attempt: 2 })]);
      expect(acts.asked.filter((verb) => verb === 'admit')).toHaveLength(2);
    });
  });

  it('a limiter ends when nobody holds a slot or wants one, and begins again when somebody does', async () => {
    const limiter = newLimiter();
    await stage.play(limited(limiter, { running: 1 }), async (begin) => {
      for (let times = 0; times < 2; times += 1) {
        await (await begin()).result();
        await stage.client.workflow.getHandle(limiter).result();
      }
      expect((await stage.client.workflow.getHandle(limiter).describe()).status.name).toBe('COMPLETED');
    });
  });
});
