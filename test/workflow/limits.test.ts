/** Tasks that queue for a slot: who is let in when, and that nothing that is lost, late or said twice costs a slot or a task. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import { ADMITTED_SIGNAL, FREED_SIGNAL } from '../../src/limits/contract.ts';
import { heldBy } from '../../src/limits/queue.ts';
import type { Look } from '../../src/workflows/limiter.ts';
import { newLimiter, ELSEWHERE, limited, slotTaken, stateOf, limiterState } from './limits-stage.ts';
import { memoOf, realTemporal, type Stage, type TaskHandle, tellingOf } from './stage.ts';
import { jobOf, Moment, SUCCEEDED, world } from './world.ts';

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

/** The workflow task that followed the completion of this activity. */
async function afterFirst(handle: TaskHandle, verb: string) {
  const events = (await handle.fetchHistory()).events ?? [];
  const scheduled = events.find((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === verb);
  const completed = events.findIndex(
    (event) => String(event.activityTaskCompletedEventAttributes?.scheduledEventId) === String(scheduled?.eventId),
  );
  return events.slice(completed).find((event) => event.workflowTaskCompletedEventAttributes)?.eventId ?? null;
}
