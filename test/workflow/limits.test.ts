/** Tasks that queue for a slot: who is let in when, and that nothing that is lost, late or said twice costs a slot or a task. */
import { randomUUID } from 'node:crypto';
import { getClient } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import { admit } from '../../src/activities/admit.ts';
import type { Deps } from '../../src/activities/deps.ts';
import type { Activities } from '../../src/activities/index.ts';
import { type RunRef, STATE_QUERY, type TaskState } from '../../src/contract.ts';
import {
  ADMITTED_SIGNAL,
  type Claim,
  FREED_SIGNAL,
  LIMITER_QUERY,
  type LimiterState,
  type Limits,
} from '../../src/limits/contract.ts';
import { heldBy } from '../../src/limits/queue.ts';
import { tellFreed } from '../../src/limits/tell-freed.ts';
import type { Look } from '../../src/workflows/limiter.ts';
import { memoOf, realTemporal, type Stage, type TaskHandle, tellingOf, timeSkipping } from './stage.ts';
import { anchorOf, failure, jobOf, Moment, RELEASED, SUCCEEDED, type World, world } from './world.ts';

const newLimiter = () => `holdfast-limits-play-${randomUUID()}`;
const nameOf = (run: Pick<RunRef, 'runId' | 'attempt'>) => `hf-${run.runId}-${run.attempt}`;
const ELSEWHERE: Claim = { run: 'hf-elsewhere', taskId: 'elsewhere', tenant: '', priority: 3 };

/** A world with limits: the real request to be let in, and a release that tells what it has proved. */
function limited(limiter: string, most: Limits, otherwise: Partial<Activities> = {}): World {
  return world({
    provision: async (run) => ({ anchor: { ...anchorOf(run), name: nameOf(run), limiter } }),
    admit: (held, wish) => admit({ limits: { limiter, most } } as unknown as Deps, held, wish),
    release: async ({ anchor }) => {
      if (anchor?.limiter !== undefined) await tellFreed(getClient(), anchor.limiter, anchor.name);
      return RELEASED;
    },
    ...otherwise,
  });
}

/** Somebody else has the only slot until it is said otherwise. */
function slotTaken(stage: Stage, limiter: string): () => Promise<void> {
  stage.castLimiter(limiter, {
    holders: async () => [ELSEWHERE],
    vanished: async () => ({ gone: [], limits: { running: 1 } }),
  });
  return () => stage.client.workflow.getHandle(limiter).signal(FREED_SIGNAL, ELSEWHERE.run);
}

const stateOf = (handle: TaskHandle) => handle.query<TaskState>(STATE_QUERY);
const limiterState = (handle: WorkflowHandle) => handle.query<LimiterState>(LIMITER_QUERY);

describe('on a real Temporal', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await realTemporal();
  });
  afterAll(() => stage.close());

  const untilWaiting = (limiter: string, count: number) =>
    until(`${count} wait`, async () => {
      const asked = limiterState(stage.client.workflow.getHandle(limiter)).catch(() => undefined);
      return (await asked)?.waiting === count;
    });

  it('a task without limits has nothing of them in its history', async () => {
    await stage.play(world(), async (begin) => {
      const handle = await begin();
      await handle.result();
      const events = (await handle.fetchHistory()).events ?? [];
      const verbs = events.flatMap(
        ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name ?? [],
      );
      expect(verbs).toEqual(['provision', 'start', 'follow', 'release']);
      expect(events.filter((event) => event.workflowExecutionSignaledEventAttributes)).toEqual([]);
      expect(events.filter((event) => event.timerStartedEventAttributes)).toEqual([]);
      expect(JSON.stringify(await memoOf(handle))).not.toContain('queued');
    });
  });

  it('tasks are let in by priority, then fairly among tenants, then as they came', async () => {
    const limiter = newLimiter();
    const free = slotTaken(stage, limiter);
    const order: string[] = [];
    const acts = limited(
      limiter,
      { running: 1 },
      { reserve: async (held) => (order.push(held.run.taskId), jobOf(held)) },
    );
    await stage.play(acts, async (begin) => {
      const handles: TaskHandle[] = [];
      const one = async (name: string, priorityKey: number, tenant: string) => {
        const id = `${name}-${limiter}`;
        handles.push(await begin(undefined, id, { priority: { priorityKey }, memo: { tenant } }));
        await untilWaiting(limiter, handles.length);
      };
      await one('late', 5, 'a');
      await one('usual-1', 3, 'a');
      await one('usual-2', 3, 'b');
      await one('soon', 1, 'b');
      expect(await stateOf(handles[0] as TaskHandle)).toMatchObject({ phase: 'queued', started: false });
      await free();
      await Promise.all(handles.map((handle) => handle.result()));
    });
    expect(order.map((id) => id.replace(`-${limiter}`, ''))).toEqual(['soon', 'usual-1', 'usual-2', 'late']);
  });

  it('a tenant that has all it may have keeps nobody else waiting', async () => {
    const limiter = newLimiter();
    const { reach: letGo, reached: answer } = new Moment();
    const acts = limited(limiter, { perTenant: 1 }, { follow: () => answer.then(() => SUCCEEDED) });
    await stage.play(acts, async (begin) => {
      const first = await begin(undefined, undefined, { priority: { fairnessKey: 'a' } });
      await until('the first is let in', async () => (await stateOf(first)).phase === 'running');
      const second = await begin(undefined, undefined, { priority: { fairnessKey: 'a' } });
      await untilWaiting(limiter, 1);
      const other = await begin(undefined, undefined, { priority: { fairnessKey: 'b' } });
      await until('the other is let in', async () => (await stateOf(other)).phase === 'running');
      expect((await stateOf(second)).phase).toBe('queued');
      letGo();
      for (const handle of [first, second, other]) expect(await tellingOf(handle)).toMatchObject({ told: 'result' });
    });
  });

  it('a cancel of a task that queues is told at once, and gives back its place', async () => {
    const limiter = newLimiter();
    slotTaken(stage, limiter);
    const acts = limited(limiter, { running: 1 });
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      await untilWaiting(limiter, 1);
      await handle.cancel();
      expect(await tellingOf(handle)).toEqual({ told: 'cancelled' });
      expect(acts.asked).toEqual(['provision', 'admit', 'release']);
      expect(acts.releases).toMatchObject([{ anchor: { limiter }, settled: false }]);
      expect(await limiterState(stage.client.workflow.getHandle(limiter))).toMatchObject({ held: 1, waiting: 0 });
    });
  });

  it('a grant for a task that was terminated goes to the next', async () => {
    const limiter = newLimiter();
    const free = slotTaken(stage, limiter);
    await stage.play(limited(limiter, { running: 1 }), async (begin) => {
      const gone = await begin();
      await untilWaiting(limiter, 1);
      const next = await begin();
      await untilWaiting(limiter, 2);
      await gone.terminate();
      await free();
      expect(await tellingOf(next)).toMatchObject({ told: 'result' });
    });
  });

  it('a grant that names another run lets nobody in', async () => {
    const limiter = newLimiter();
    const free = slotTaken(stage, limiter);
    const acts = limited(limiter, { running: 1 });
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      await untilWaiting(limiter, 1);
      await handle.signal(ADMITTED_SIGNAL, 'hf-of-before-a-reset');
      expect((await stateOf(handle)).phase).toBe('queued');
      expect(acts.asked).toEqual(['provision', 'admit']);
      await free();
      expect(await tellingOf(handle)).toMatchObject({ told: 'result' });
    });
  });

  it('a task that is Reset while it queues keeps its place, and its new run is let in', async () => {
    const limiter = newLimiter();
    const free = slotTaken(stage, limiter);
    const acts = limited(limiter, { running: 1 });
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      await untilWaiting(limiter, 1);
      const { workflowId, runId } = await handle.describe();
      await stage.client.workflowService.resetWorkflowExecution({
        namespace: stage.client.options.namespace,
        workflowExecution: { workflowId, runId },
        reason: 'a test',
        workflowTaskFinishEventId: await afterFirst(handle, 'provision'),
        requestId: randomUUID(),
      });
      const latest = stage.client.workflow.getHandle(workflowId);
      await until('the new run asks', () => acts.asked.filter((verb) => verb === 'admit').length === 2);
      expect(await limiterState(stage.client.workflow.getHandle(limiter))).toMatchObject({ held: 1, waiting: 1 });
      await free();
      expect(await latest.result()).toMatchObject({ outcome: 'succeeded' });
    });
  });

  it('a limiter whose history has become long goes on as another run, with every slot and place', async () => {
    const limiter = newLimiter();
    const free = slotTaken(stage, limiter);
    await stage.play(limited(limiter, { running: 1 }), async (begin) => {
      const handle = await begin();
      await untilWaiting(limiter, 1);
      const limiting = stage.client.workflow.getHandle(limiter);
      const { runId, startTime } = await limiting.describe();
      const babble = (each: number) =>
        Promise.all(Array.from({ length: each }, (_, index) => limiting.signal(FREED_SIGNAL, `nobody-${index}`)));
      // Temporal suggests another run after 4,096 events.
      while ((await limiting.describe()).historyLength < 4_300) await babble(200);
      await until('another run', async () => (await limiting.describe()).runId !== runId);
      expect(await limiterState(limiting)).toMatchObject({ held: 1, waiting: 1, limits: { running: 1 } });
      const carried = (await limiting.fetchHistory()).events?.[0]?.workflowExecutionStartedEventAttributes?.input;
      const look = JSON.parse(Buffer.from(carried?.payloads?.[1]?.data ?? []).toString()) as Look;
      expect(look).toMatchObject({ from: 0 });
      expect(look.at).toBeLessThan(startTime.getTime() + 70_000);
      await free();
      expect(await tellingOf(handle)).toMatchObject({ told: 'result' });
    });
  });

  it('and looks when the run before it would have', async () => {
    const limiter = newLimiter();
    stage.castLimiter(limiter, {
      holders: async () => [],
      vanished: async (runs) => ({ gone: runs.map(({ run }) => run), limits: { running: 1 } }),
    });
    const look: Look = { at: Date.now() + 1_000, from: 0 };
    const limiting = await stage.client.workflow.start('limiter', {
      args: [heldBy([ELSEWHERE]), look],
      workflowId: limiter,
      taskQueue: stage.taskQueue,
      workflowExecutionTimeout: '5m',
    });
    await until('the lost slot is free', async () => (await limiterState(limiting)).held === 0);
    await limiting.terminate();
  });
});

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

/** The workflow task that followed the completion of this activity. */
async function afterFirst(handle: TaskHandle, verb: string) {
  const events = (await handle.fetchHistory()).events ?? [];
  const scheduled = events.find((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === verb);
  const completed = events.findIndex(
    (event) => String(event.activityTaskCompletedEventAttributes?.scheduledEventId) === String(scheduled?.eventId),
  );
  return events.slice(completed).find((event) => event.workflowTaskCompletedEventAttributes)?.eventId ?? null;
}
