/** One client, two ways: what is done over Temporal and what is done over HTTP is answered alike. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import type { Activities } from '../../src/activities/index.ts';
import { HoldfastError, HoldfastHttpClient, type Task, type TaskClient, type TaskEvent } from '../../src/client.ts';
import { GatewayStage } from './gateway-stage.ts';
import { keptLog } from './kept-log.ts';
import { TASK } from './stage.ts';
import { failure, Moment, SUCCEEDED, untilCancelled, world } from './world.ts';

let scene: GatewayStage;
let http: HoldfastHttpClient;
let logDir: string;

beforeAll(async () => {
  logDir = await mkdtemp(join(tmpdir(), 'holdfast-client-'));
  scene = await GatewayStage.open({ logDir });
  const url = await scene.app.listen({ host: '127.0.0.1', port: 0 });
  http = new HoldfastHttpClient({ url, token: 'not asked for' });
});
afterAll(async () => {
  await scene.close();
  await rm(logDir, { recursive: true });
});

const newId = () => `client-${randomUUID()}`;
const refusal = (ask: Promise<unknown>): Promise<HoldfastError> =>
  ask.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: unknown) => (error instanceof HoldfastError ? error : Promise.reject(error as Error)),
  );

describe.each<[string, () => TaskClient]>([
  ['over Temporal', () => scene.client],
  ['over HTTP', () => http],
])('%s', (_, way) => {
  async function started(activities: Partial<Activities> = {}): Promise<string> {
    const id = newId();
    scene.stage.cast(id, world(activities));
    expect(await way().start(TASK, { id })).toMatchObject({ taskId: id, isNew: true });
    return id;
  }

  async function running(): Promise<string> {
    const { reach, reached } = new Moment();
    const id = await started({ follow: () => (reach(), untilCancelled()) });
    await reached;
    return id;
  }

  /** A task that ends when it is let. */
  async function held(): Promise<{ readonly id: string; readonly letGo: () => void }> {
    const { reach: letGo, reached: end } = new Moment();
    return { id: await started({ follow: () => end.then(() => SUCCEEDED) }), letGo };
  }

  it('a start that is repeated finds the task, and with another input is refused', async () => {
    const id = await started();
    const again = await way().start(TASK, { id });
    expect(again).toMatchObject({ taskId: id, isNew: false });
    expect(again.runId).toBe((await scene.client.describe(id)).runId);
    const error = await refusal(way().start({ ...TASK, image: 'b' }, { id }));
    expect(error).toMatchObject({ code: 'TASK_ID_TAKEN', facts: { taskId: id }, next: expect.stringMatching(/\.$/) });
  });

  it("a start's priority is Temporal's own, and one that there is not is refused", async () => {
    const id = newId();
    scene.stage.cast(id, world());
    await way().start(TASK, { id, priority: 2 });
    const { priority } = await scene.client.temporal.workflow.getHandle(id).describe();
    expect(priority).toMatchObject({ priorityKey: 2 });
    for (const wrong of [0, 6, 2.5]) {
      const error = await refusal(way().start(TASK, { id: newId(), priority: wrong }));
      expect(error).toMatchObject({ code: 'INPUT_INVALID', facts: { problems: [{ field: 'priority' }] } });
    }
  });

  it('a start that is refused names every field', async () => {
    const error = await refusal(way().start({ workload: 'command', image: 'A A', cpu: 1 } as Task));
    expect(error.code).toBe('INPUT_INVALID');
    const problems = error.facts['problems'] as readonly { field: string }[];
    expect(problems.map(({ field }) => field).toSorted()).toEqual(['cpu', 'image']);
  });

  it('a task looks the same whichever way it is looked at, while it runs and afterwards', async () => {
    const id = await running();
    const seen = await way().describe(id);
    expect(seen).toMatchObject({ phase: 'running', open: true, started: true });
    expect(seen).toEqual(await scene.client.describe(id));
    await way().cancel(id, { reason: 'seen enough' });
    const ended = await way().describe(id);
    expect(ended).toMatchObject({ outcome: 'cancelled', open: false, cancel: { reason: 'seen enough' } });
    expect(ended).toEqual(await scene.client.describe(id));
  });

  it('a result is waited for, and is the same for whoever asks later', async () => {
    const { id, letGo } = await held();
    const result = way().result(id);
    letGo();
    expect(await result).toMatchObject({
      outcome: 'succeeded',
      result: { taskId: id, workload: 'command', output: { exitCode: 0 }, job: { namespace: 'ns' } },
    });
    expect(await way().result(id)).toEqual(await scene.client.result(id));
    const failed = await started({ follow: () => Promise.reject(failure('EXIT_CODE')) });
    expect(await way().result(failed)).toEqual({
      outcome: 'failed',
      problem: { code: 'EXIT_CODE', message: 'EXIT_CODE', next: 'Do something.' },
    });
  });

  it('events are the phases in their order, and the outcome is the last', async () => {
    const { id, letGo } = await held();
    const events: TaskEvent[] = [];
    for await (const event of way().events(id)) {
      events.push(event);
      if (event.event === 'phase' && event.phase === 'running') letGo();
    }
    const phases = events.flatMap((event) => (event.event === 'phase' ? [event.phase] : []));
    expect(phases).toEqual(['provisioning', 'running', 'ended']);
    expect(events.at(-1)).toEqual({ event: 'outcome', ...(await scene.client.result(id)) });
    expect(await Array.fromAsync(way().events(id))).toEqual(await Array.fromAsync(scene.client.events(id)));
  });

  describe('a cancel', () => {
    it('of a running task answers when it is settled, and then that it was', async () => {
      const id = await running();
      expect(await way().cancel(id, { reason: 'enough' })).toBe('cancelled_running');
      expect(await way().result(id)).toEqual({ outcome: 'cancelled', reason: 'enough', started: true });
      expect(await way().cancel(id)).toBe('already_cancelled');
    });

    it('of a task that was never started says so', async () => {
      const { reach, reached } = new Moment();
      const { reach: letGo, reached: answer } = new Moment();
      const well = world();
      const id = await started({
        provision: (run, task) => (reach(), answer.then(() => well.provision(run, task))),
        release: async () => ({ is: 'released', found: 'nothing' }),
      });
      await reached;
      const told = way().cancel(id);
      await until('it is recorded', async () => (await scene.client.describe(id)).cancelRequested);
      letGo();
      expect(await told).toBe('cancelled_before_start');
    });

    it('that does not wait is recorded', async () => {
      const id = await running();
      expect(await way().cancel(id, { wait: false })).toBe('cancelling');
      expect(await scene.client.result(id)).toMatchObject({ outcome: 'cancelled' });
    });

    it('that comes too late says how the task had ended', async () => {
      const completed = await started();
      await scene.client.result(completed);
      expect(await way().cancel(completed)).toBe('already_completed');
      const failed = await started({ follow: () => Promise.reject(failure('EXIT_CODE')) });
      await scene.client.result(failed);
      expect(await way().cancel(failed)).toBe('already_failed');
      const terminated = await running();
      await scene.stage.client.workflow.getHandle(terminated).terminate('operator');
      expect(await way().cancel(terminated)).toBe('already_terminated');
      expect(await way().result(terminated)).toEqual({ outcome: 'terminated' });
    });

    it('of an id that nobody knows says so', async () => {
      expect(await way().cancel(newId())).toBe('unknown_task');
    });
  });

  it('a task that nobody knows is unknown to every other question', async () => {
    const id = newId();
    const questions = [
      () => way().describe(id),
      () => way().result(id),
      () => Array.fromAsync(way().events(id)),
      () => Array.fromAsync(way().logs(id)),
      () => Array.fromAsync(way().logs(id, { follow: true })),
    ];
    for (const ask of questions)
      expect(await refusal(ask())).toMatchObject({ code: 'TASK_UNKNOWN', facts: { taskId: id } });
  });

  it('a list has the newest first, and no more than was asked for', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 2; n += 1) {
      ids.push(await started());
      await scene.client.result(ids[n] ?? '');
    }
    const listed = async () => (await Array.fromAsync(way().list({ limit: 300 }))).map(({ taskId }) => taskId);
    await until('both are listed', async () => {
      const found = await listed();
      return ids.every((id) => found.includes(id));
    });
    const found = await listed();
    expect(found.indexOf(ids[1] ?? '')).toBeLessThan(found.indexOf(ids[0] ?? ''));
    expect(await Array.fromAsync(way().list({ limit: 1 }))).toHaveLength(1);
    expect(await Array.fromAsync(way().list({ limit: 0 }))).toEqual([]);
  });

  it('a log is what was written, followed to its end or as it stands', async () => {
    const { id, letGo } = await held();
    const write = await keptLog(scene.stage.client, logDir, id);
    await write('one', 'two');
    const texts: string[] = [];
    for await (const { text } of way().logs(id, { follow: true })) {
      texts.push(text);
      if (text === 'two') {
        await write('three');
        letGo();
      }
    }
    expect(texts).toEqual(['one', 'two', 'three']);
    const lines = await Array.fromAsync(way().logs(id));
    expect(lines).toEqual(await Array.fromAsync(scene.client.logs(id)));
    expect(lines[0]).toEqual({ file: 'pod.main.log', text: 'one', time: expect.any(String) });
  });

  it('a log that is not here is no empty log', async () => {
    const id = await started();
    await scene.client.result(id);
    for (const follow of [false, true])
      expect(await refusal(Array.fromAsync(way().logs(id, { follow })))).toMatchObject({ code: 'LOGS_UNAVAILABLE' });
  });

  it('whatever waits ends with the reason when its signal is aborted, and the task goes on', async () => {
    const { id, letGo } = await held();
    const leave = new AbortController();
    const { signal } = leave;
    const waiting = [
      way().result(id, { signal }),
      Array.fromAsync(way().events(id, { signal })),
      Array.fromAsync(way().logs(id, { signal, follow: true })),
    ].map((ask) => expect(ask).rejects.toThrow('had to go'));
    leave.abort(new Error('had to go'));
    await Promise.all(waiting);
    const late = [
      way().describe(id, { signal }),
      way().cancel(id, { signal }),
      way().start(TASK, { id: newId(), signal }),
      way().kill(id, { signal }),
      Array.fromAsync(way().list({ signal })),
    ].map((ask) => expect(ask).rejects.toThrow('had to go'));
    await Promise.all(late);
    expect(await scene.client.describe(id)).toMatchObject({ open: true, cancelRequested: false });
    letGo();
    expect(await way().result(id)).toMatchObject({ outcome: 'succeeded' });
  });

  it('a cancel whose caller leaves goes on', async () => {
    const { reach, reached } = new Moment();
    const { reach: letGo, reached: answer } = new Moment();
    const { reach: follows, reached: following } = new Moment();
    const id = await started({
      follow: () => (follows(), untilCancelled()),
      release: () => (reach(), answer.then(() => ({ is: 'released', found: 'started' }))),
    });
    await following;
    const leave = new AbortController();
    const told = expect(way().cancel(id, { signal: leave.signal })).rejects.toThrow('had to go');
    await reached;
    leave.abort(new Error('had to go'));
    await told;
    letGo();
    expect(await way().result(id)).toMatchObject({ outcome: 'cancelled', started: true });
  });
});

it('a kill over HTTP is told as it is told over Temporal', async () => {
  const { app, client: owner } = await scene.another({ mayKill: true });
  const pods = [
    { name: 'p1', node: 'n', end: 'may_run', nodeState: 'gone', why: 'its node did not say' },
    { name: 'p2', end: 'never_ran' },
  ] as const;
  const left = [{ kind: 'Pod', name: 'p1', why: 'it is being deleted, and not gone yet' }] as const;
  const asked: unknown[] = [];
  owner.kill = async (taskId, options) => {
    asked.push(options);
    return { taskId, answer: 'killed_unproved', was: 'open', pods, left };
  };
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const id = newId();
  scene.stage.cast(id, world());
  await scene.client.start(TASK, { id });
  const told = await new HoldfastHttpClient({ url }).kill(id, { reason: 'stuck', waitSeconds: 90 });
  expect(told).toEqual({ taskId: id, answer: 'killed_unproved', was: 'open', pods, left });
  expect(asked).toEqual([{ reason: 'stuck', by: 'anyone', waitSeconds: 90 }]);
  expect(await refusal(http.kill(id))).toMatchObject({ code: 'KILL_UNAVAILABLE' });
  await app.close();
});
