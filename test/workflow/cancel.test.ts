/**
 * What the workflow makes of a cancel, on the real Temporal server: cancellation has open faults in the time-skipping
 * one. Each task is held at a moment by the world itself; nothing sleeps.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Activities } from '../../src/activities/index.ts';
import { SIGHTING_SIGNAL, type Sighting, STATE_QUERY, type TaskState } from '../../src/contract.ts';
import { recordOf } from '../../src/kill/workflow.ts';
import { viewOf } from '../../src/task-view.ts';
import { cancelWithReason, memoOf, realTemporal, type Stage, type TaskHandle, tellingOf } from './stage.ts';
import { anchorOf, attempt, failure, jobOf, Moment, RELEASED, SUCCEEDED, untilCancelled, world } from './world.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await realTemporal();
});
afterAll(() => stage.close());

/** A follow that says when it has begun and goes on until it is cancelled. */
function following(): { follow: Activities['follow']; begun: Promise<void> } {
  const { reach, reached } = new Moment();
  return {
    begun: reached,
    follow: () => {
      reach();
      return untilCancelled();
    },
  };
}

const stateOf = (handle: TaskHandle) => handle.query<TaskState>(STATE_QUERY);

it('a task that is ended from outside while its start is asked for has its Job on record, and was perhaps started', async () => {
  const { reach, reached } = new Moment();
  const acts = world({ start: () => (reach(), untilCancelled()) });
  await stage.play(acts, async (begin) => {
    const handle = await begin();
    await reached;
    const view = await viewOf(stage.client, await handle.describe());
    expect(view).toMatchObject({ phase: 'starting', started: true, job: { uid: 'job-1' } });
    await handle.terminate();
    expect(await recordOf(stage.client, handle.workflowId)).toMatchObject({ was: 'terminated', job: view.job });
    expect(await memoOf(handle)).toMatchObject({ started: true });
  });
});

describe('a cancel', () => {
  it('of a running task is told after release, as CANCELED, with its reason in the memo', async () => {
    const { follow, begun } = following();
    const acts = world({ follow });
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      await begun;
      await cancelWithReason(stage.client, handle, 'budget is spent');
      expect(await tellingOf(handle)).toEqual({ told: 'cancelled' });
      expect(acts.asked).toEqual(['provision', 'start', 'follow', 'release']);
      expect(acts.releases).toMatchObject([{ anchor: { uid: 'anchor-1' }, settled: false }]);
      expect(await memoOf(handle)).toMatchObject({
        phase: 'ended',
        outcome: 'cancelled',
        started: true,
        cancel: { reason: 'budget is spent', at: expect.stringMatching(/^\d{4}-/) },
      });
    });
  });

  it('before any worker has seen the task makes nothing, and still releases', async () => {
    const acts = world({ release: async () => ({ is: 'released', found: 'nothing' }) });
    await stage.play(acts, async (begin) => {
      // A worker cannot take the task before the cancel is there: it starts, delayed, with both in its first task.
      const handle = await begin(undefined, undefined, { startDelay: '1 hour' });
      await cancelWithReason(stage.client, handle, 'changed my mind');
      expect(await tellingOf(handle)).toEqual({ told: 'cancelled' });
      expect(acts.asked).toEqual(['release']);
      const memo = await memoOf(handle);
      expect(memo).toMatchObject({ outcome: 'cancelled', started: false, cancel: { reason: 'changed my mind' } });
    });
  });

  it.each(['provision', 'start'] as const)(
    'during %s waits for its answer, goes no further, and releases with what it brought',
    async (verb) => {
      const { reach, reached } = new Moment();
      const { reach: letGo, reached: answer } = new Moment();
      const well: Activities = world();
      const held = {
        [verb]: (...given: never[]) => (reach(), answer.then(() => Reflect.apply(well[verb], well, given))),
      };
      const acts = world(held);
      await stage.play(acts, async (begin) => {
        const handle = await begin();
        await reached;
        await handle.cancel();
        await untilState(handle, ({ cancel }) => cancel !== undefined);
        expect(acts.releases).toEqual([]);
        letGo();
        expect(await tellingOf(handle)).toEqual({ told: 'cancelled' });
        const order = ['provision', 'start'] as const;
        expect(acts.asked).toEqual([...order.slice(0, order.indexOf(verb) + 1), 'release']);
        expect(acts.releases[0]?.anchor?.uid).toBe('anchor-1');
      });
    },
  );

  it('between two attempts of an activity takes effect at once, and releases', async () => {
    const { reach, reached } = new Moment();
    const acts = world({
      start: async () => {
        if (attempt() === 2) reach();
        throw new Error('away');
      },
    });
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      await reached;
      await handle.cancel();
      expect(await tellingOf(handle)).toEqual({ told: 'cancelled' });
      expect(acts.asked.at(-1)).toBe('release');
    });
  });

  it('that comes when the Job has just ended by itself leaves the task its true outcome', async () => {
    const { follow, begun } = following();
    const acts = world({
      follow,
      release: async ({ settled }) => (settled ? RELEASED : { is: 'unsettled', ending: SUCCEEDED }),
    });
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      await begun;
      await handle.cancel();
      expect(await tellingOf(handle)).toMatchObject({ told: 'result', result: { output: { exitCode: 0 } } });
      expect(acts.releases.map(({ settled }) => settled)).toEqual([false, true]);
      expect(await memoOf(handle)).toMatchObject({ outcome: 'succeeded', cancel: { reason: '' } });
    });
  });

  it('that comes when the Job has just failed by itself leaves the failure', async () => {
    const { follow, begun } = following();
    const ending = { kind: 'failed', problem: { code: 'OUT_OF_MEMORY', message: 'm' } } as const;
    const acts = world({ follow, release: async ({ settled }) => (settled ? RELEASED : { is: 'unsettled', ending }) });
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      await begun;
      await handle.cancel();
      expect(await tellingOf(handle)).toMatchObject({ told: 'failed', code: 'OUT_OF_MEMORY' });
    });
  });

  it('during release neither cuts it short nor makes a success a cancel', async () => {
    const { reach, reached } = new Moment();
    const { reach: letGo, reached: answer } = new Moment();
    const acts = world({ release: () => (reach(), answer.then(() => RELEASED)) });
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      await reached;
      await handle.cancel();
      await untilState(handle, ({ cancel }) => cancel !== undefined);
      letGo();
      expect(await tellingOf(handle)).toMatchObject({ told: 'result' });
      expect(acts.asked.filter((verb) => verb === 'release')).toHaveLength(1);
    });
  });

  it('waits for a release that fails, and is told only when it has succeeded', async () => {
    const { follow, begun } = following();
    const acts = world({
      follow,
      release: async () => {
        if (attempt() < 4) throw new Error('away');
        return RELEASED;
      },
    });
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      await begun;
      await handle.cancel();
      expect(await tellingOf(handle)).toEqual({ told: 'cancelled' });
      expect(acts.releases).toHaveLength(4);
    });
  });

  it('of an attempt whose anchor was lost is not followed by another attempt', async () => {
    const { reach, reached } = new Moment();
    const { reach: letGo, reached: answer } = new Moment();
    const lost = async () => {
      reach();
      await answer;
      throw failure('ANCHOR_LOST');
    };
    const acts = world({ start: lost });
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      await reached;
      await handle.cancel();
      await untilState(handle, ({ cancel }) => cancel !== undefined);
      letGo();
      expect(await tellingOf(handle)).toEqual({ told: 'cancelled' });
      expect(acts.asked).toEqual(['provision', 'start', 'release']);
    });
  });

  it('keeps its own reason, though another task is cancelled in the same worker', async () => {
    const follow = () => untilCancelled();
    await stage.play(world({ follow }), async (begin) => {
      const handles = [await begin(), await begin(), await begin()] as const;
      for (const handle of handles) await untilState(handle, ({ phase }) => phase === 'running');
      await cancelWithReason(stage.client, handles[0], 'first');
      await cancelWithReason(stage.client, handles[1], 'second');
      await handles[2].cancel();
      const reasons = handles.map(async (handle) => {
        await tellingOf(handle);
        return (await memoOf(handle)).cancel?.reason;
      });
      expect(await Promise.all(reasons)).toEqual(['first', 'second', '']);
    });
  });
});

describe('a sighting', () => {
  it('of this Job is told by the state query; one of another Job, or after the end, is not', async () => {
    const { follow, begun } = following();
    await stage.play(world({ follow }), async (begin) => {
      const handle = await begin();
      await begun;
      const { runId } = await handle.describe();
      const job = jobOf(anchorOf({ taskId: handle.workflowId, runId, attempt: 1 }));
      const progress = { done: 3, total: 9 };
      const ours: Sighting = { job, pod: { name: 'p', phase: 'Running' }, progress };
      await handle.signal(SIGHTING_SIGNAL, ours);
      await handle.signal(SIGHTING_SIGNAL, {
        job: { ...job, uid: 'of before a Reset' },
        progress: { done: 9, total: 9 },
      });
      expect(await stateOf(handle)).toMatchObject({ phase: 'running', progress, pod: { phase: 'Running' }, job });
      const problem = { code: 'UNSCHEDULABLE', message: 'No node has room yet.' };
      await handle.signal(SIGHTING_SIGNAL, { ...ours, problem });
      expect((await stateOf(handle)).problem).toEqual(problem);
      await handle.signal(SIGHTING_SIGNAL, ours);
      expect((await stateOf(handle)).problem).toBeUndefined();
      await handle.cancel();
      await tellingOf(handle);
      expect((await memoOf(handle)).outcome).toBe('cancelled');
    });
  });
});

/** Asks the workflow itself until it says so; a query is answered only when its last task has been worked on. */
async function untilState(handle: TaskHandle, holds: (state: TaskState) => boolean): Promise<void> {
  const limit = Date.now() + 20_000;
  while (!holds(await stateOf(handle))) if (Date.now() > limit) throw new Error('the state was not reached in 20 s');
}
