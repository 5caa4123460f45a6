/** Reset, at every point, once and twice, of tasks that run, have finished, or were cancelled. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mostAtOnce } from '../../lab/sweep/at-once.ts';
import { Eyes } from '../../lab/sweep/eyes.ts';
import { SIGHTING_SIGNAL, type Sighting } from '../../src/contract.ts';
import { isEnding, taskLabel } from '../../src/fence.ts';
import { paced } from '../../src/paced.ts';
import type { TaskView } from '../../src/task-view.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';
import { command, images, openScene, type Scene, until } from './scene.ts';
import { tellToFinish, UNTIL_TOLD } from './until-told.ts';

let scene: Scene;
let busybox: string;
let eyes: Eyes;
let temporal: string;

beforeAll(async () => {
  ({ busybox } = await images());
  // The sweeper has no part in this.
  scene = await openScene({ HOLDFAST_SWEEP_SECONDS: '0' });
  eyes = await Eyes.open(scene.kube, scene.namespace);
  temporal = await namespaceId(scene.client.temporal);
  await scene.startWorker();
});
afterAll(async () => {
  eyes.close();
  await scene.close();
});

const nothing = { anchors: [], jobs: [], pods: [] };
const AT_ONCE = 6;

type State = 'running' | 'finished' | 'cancelled';
type Last = 'cancel' | 'terminate';

interface Play {
  readonly state: State;
  /** Which of the workflow tasks that the run has completed; the last if there are fewer. */
  readonly point: number;
  readonly times: 1 | 2;
  readonly last: Last;
}

/** Brings a fresh task to a state; gives its id. */
async function bringTo(state: State): Promise<string> {
  const { taskId } = await scene.client.start(command(busybox, UNTIL_TOLD));
  await until(`${taskId} runs`, () => runs(taskId));
  if (state === 'cancelled') expect(await scene.client.cancel(taskId)).toBe('cancelled_running');
  if (state === 'finished') {
    await tellToFinish(scene, taskId);
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'succeeded' });
  }
  return taskId;
}

/** Its latest run is in phase running, with one Job and one container, both its own. */
async function runs(taskId: string): Promise<boolean> {
  const view = await scene.client.describe(taskId);
  if (!view.open || view.phase !== 'running' || view.job === undefined) return false;
  const { jobs, pods } = await scene.remains(taskId);
  const [job, pod] = [jobs[0], pods[0]];
  if (jobs.length !== 1 || pods.length !== 1 || job === undefined || pod === undefined) return false;
  const isItsOwn = job.metadata?.uid === view.job.uid && !isEnding(job) && !isEnding(pod);
  return isItsOwn && pod.status?.containerStatuses?.[0]?.state?.running !== undefined;
}

/** A run can be reset to the end of every workflow task that it has completed. */
async function pointsOf(workflowId: string, runId: string) {
  const { events } = await scene.client.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
  return (events ?? []).flatMap(({ eventId, workflowTaskCompletedEventAttributes: a }) =>
    a && eventId ? [eventId] : [],
  );
}

/** Gives the run that it makes. */
async function sendReset(workflowId: string, runId: string, point: number): Promise<string> {
  const { options, workflowService } = scene.client.temporal;
  const points = await pointsOf(workflowId, runId);
  const made = await workflowService.resetWorkflowExecution({
    namespace: options.namespace,
    workflowExecution: { workflowId, runId },
    reason: `point ${point}`,
    workflowTaskFinishEventId: points[Math.min(point, points.length - 1)] ?? null,
    requestId: randomUUID(),
  });
  return made.runId;
}

/** Resets that run, and waits for what comes of it: another that runs, or that has ended at once as it had before. */
async function reset(taskId: string, runId: string, point: number): Promise<TaskView> {
  const made = await sendReset(taskId, runId, point);
  await until(`${taskId} has ended, or runs again`, async () => {
    const view = await scene.client.describe(taskId);
    return view.runId === made && (!view.open || (await runs(taskId)));
  });
  return scene.client.describe(taskId);
}

const STRANGER: Sighting = {
  job: { namespace: 'elsewhere', name: 'stranger', uid: 'stranger' },
  pod: { name: 'stranger', phase: 'Running' },
};

async function play({ state, point, times, last }: Play): Promise<void> {
  const taskId = await bringTo(state);
  const handle = scene.client.temporal.workflow.getHandle(taskId);
  const before = await scene.client.describe(taskId);
  if (before.open) {
    await handle.signal(SIGHTING_SIGNAL, STRANGER);
    await handle.signal('unknown', 'a signal that nobody handles');
    await expect(handle.executeUpdate('unknown')).rejects.toThrow();
  }
  let view = await reset(taskId, before.runId, point);
  // The second time the run that was reset, or, by turns, the first one once more.
  if (times === 2) view = await reset(taskId, point % 2 === 0 ? view.runId : before.runId, point);
  expect(view.pod?.name).not.toBe('stranger');
  if (view.open) await endAsAFreshOne(taskId, last);
  else expect(view.outcome, `${taskId}, reset to where it had ended`).toBe(before.outcome);
  await untilNothingIsLeft(taskId);
  const glimpses = eyes.of(taskLabel(temporal, taskId));
  expect(mostAtOnce(glimpses, 'Job'), `${taskId}: started Jobs at once`).toBe(1);
  expect(mostAtOnce(glimpses, 'Pod'), `${taskId}: containers at once`).toBe(1);
}

async function endAsAFreshOne(taskId: string, last: Last): Promise<void> {
  if (last === 'cancel') {
    expect(await scene.client.cancel(taskId)).toBe('cancelled_running');
    expect(await scene.remains(taskId)).toEqual(nothing);
    return;
  }
  await scene.client.temporal.workflow.getHandle(taskId).terminate('operator');
  await untilNothingIsLeft(taskId);
  expect(await scene.client.cancel(taskId)).toBe('already_terminated');
}

async function untilNothingIsLeft(taskId: string): Promise<void> {
  await until(`nothing of ${taskId} is left`, async () => {
    const { anchors, jobs, pods } = await scene.remains(taskId);
    return anchors.length + jobs.length + pods.length === 0;
  });
}

describe('Reset: one started Job at a time, then it ends like a fresh task, and nothing is left', () => {
  it.each(['running', 'finished', 'cancelled'] as const)('of a task that is %s, at every point', async (state) => {
    const taskId = await bringTo(state);
    const points = await pointsOf(taskId, (await scene.client.describe(taskId)).runId);
    expect(points.length).toBeGreaterThanOrEqual(3);
    const turn = (point: number, odd: Last, even: Last): Last => (point % 2 === 0 ? even : odd);
    const plays = points.flatMap((_, point): Play[] => [
      { state, point, times: 2, last: turn(point, 'cancel', 'terminate') },
      ...(state === 'running' ? [{ state, point, times: 1, last: turn(point, 'terminate', 'cancel') } as const] : []),
    ]);
    await paced(plays, { atOnce: AT_ONCE }, play);
    await scene.client.cancel(taskId);
    expect(await scene.remains(taskId)).toEqual(nothing);
  });

  it('is not told "cancelled" while the superseded run still has a container', async () => {
    const taskId = await bringTo('running');
    const { runId } = await scene.client.describe(taskId);
    // Before the new run has so much as looked for the Job of the old one.
    await sendReset(taskId, runId, 0);
    await scene.client.cancel(taskId);
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'cancelled' });
    expect(await scene.remains(taskId)).toEqual(nothing);
  });
});

describe('a Reset while somebody waits', () => {
  /** Somebody's question must have reached Temporal before the Reset does. */
  const ASKED_MS = 1_000;

  it('for the result: it is that of the run that goes on', async () => {
    const taskId = await bringTo('running');
    const { runId } = await scene.client.describe(taskId);
    const result = scene.client.result(taskId);
    await sleep(ASKED_MS);
    await reset(taskId, runId, 0);
    await tellToFinish(scene, taskId);
    expect(await result).toMatchObject({ outcome: 'succeeded' });
    await untilNothingIsLeft(taskId);
  });

  it('for a cancel: the run that goes on is cancelled, too', async () => {
    const deaf = command(busybox, 'trap "" TERM; while :; do sleep 1; done', { gracePeriod: '10s' });
    const { taskId } = await scene.client.start(deaf);
    await until(`${taskId} runs`, () => runs(taskId));
    const { runId } = await scene.client.describe(taskId);
    const answer = scene.client.cancel(taskId);
    await until('it is being released', async () => (await scene.client.describe(taskId)).phase === 'releasing');
    await sleep(ASKED_MS);
    await sendReset(taskId, runId, 0);
    expect(['cancelled_before_start', 'cancelled_running']).toContain(await answer);
    expect((await scene.client.describe(taskId)).outcome).toBe('cancelled');
    expect(await scene.remains(taskId)).toEqual(nothing);
  });
});
