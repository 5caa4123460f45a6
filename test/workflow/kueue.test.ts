/** Tasks whose Jobs Kueue starts: what is told of them while they are queued, and after. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../lab/stage/until.ts';
import type { Activities } from '../../src/activities/index.ts';
import { type Ending, STATE_QUERY, type TaskState } from '../../src/contract.ts';
import { memoOf, realTemporal, type Stage, TASK, type TaskHandle, tellingOf, timeSkipping } from './stage.ts';
import {
  anchorOf,
  attempt,
  failure,
  later,
  provisionedOf,
  RELEASED,
  SUCCEEDED,
  untilCancelled,
  type World,
  world,
} from './world.ts';

const PREEMPTED: Ending = {
  kind: 'failed',
  problem: { code: 'EVICTED', message: 'preempted', facts: { disruption: 'Suspended' } },
};

function queued(otherwise: Partial<Activities> = {}): World {
  return world({ provision: async (run) => provisionedOf({ ...anchorOf(run, 60), queue: 'team-a' }), ...otherwise });
}

const found = (what: 'nothing' | 'suspended' | 'started') => async () => ({ is: 'released', found: what }) as const;
const stateOf = (handle: TaskHandle) => handle.query<TaskState>(STATE_QUERY);

describe('on a real Temporal', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await realTemporal();
  });
  afterAll(() => stage.close());

  it('a task is handed over, queued until Kueue starts it, followed and released', async () => {
    const acts = queued();
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      expect(await tellingOf(handle)).toMatchObject({ told: 'result' });
      expect(acts.asked).toEqual(['provision', 'start', 'queue', 'follow', 'release']);
      expect(await memoOf(handle)).toMatchObject({ outcome: 'succeeded', started: true });
    });
  });

  it.each([
    ['suspended', false],
    ['started', true],
    // A release that died after its delete leaves the next one nothing to see.
    ['nothing', true],
  ] as const)('cancelled while it is queued, and found %s by release: started is %s', async (what, started) => {
    const acts = queued({ queue: untilCancelled, release: found(what) });
    await stage.play(acts, async (begin) => {
      const handle = await begin();
      await until('it is queued', () => acts.asked.includes('queue'));
      expect(await stateOf(handle)).toMatchObject({ phase: 'queued', started: false, job: { name: 'hf-1' } });
      await handle.cancel();
      expect(await tellingOf(handle)).toEqual({ told: 'cancelled' });
      expect(acts.asked).toEqual(['provision', 'start', 'queue', 'release']);
      expect(await memoOf(handle)).toMatchObject({ outcome: 'cancelled', started });
    });
  });
});

describe('on a clock that skips', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await timeSkipping();
  }, 120_000);
  afterAll(() => stage.close());

  async function played(acts: World, task?: object) {
    return stage.play(acts, async (begin) => {
      const handle = await begin(task);
      return { told: await tellingOf(handle), memo: await memoOf(handle) };
    });
  }

  it('the timeout of a minute does not count while a task is queued for twenty days', async () => {
    const acts = queued({
      queue: async () => {
        if (attempt() < 3) throw later('10 days');
      },
    });
    expect((await played(acts)).told).toMatchObject({ told: 'result' });
  });

  it('a task that Kueue preempts fails, and says what took it away', async () => {
    const acts = queued({ follow: async () => PREEMPTED });
    const { told, memo } = await played(acts);
    expect(told).toMatchObject({ told: 'failed', code: 'EVICTED' });
    expect(memo).toMatchObject({ outcome: 'failed', started: true });
  });

  it('one with retries is queued anew, under other names', async () => {
    let follows = 0;
    const acts = queued({ follow: async () => ((follows += 1) === 1 ? PREEMPTED : SUCCEEDED) });
    const { told, memo } = await played(acts, { ...TASK, retries: 1 });
    expect(told).toMatchObject({ told: 'result', result: { job: { name: 'hf-2' } } });
    expect(memo).toMatchObject({ retried: { times: 1 }, started: true });
    const life = ['provision', 'start', 'queue', 'follow', 'release'];
    expect(acts.asked).toEqual([...life, ...life]);
  });

  it('a Job that is deleted while it is queued ends its task, which was not started', async () => {
    const gone: Ending = { kind: 'failed', problem: { code: 'JOB_DELETED', message: 'deleted' } };
    const acts = queued({ queue: async () => gone, release: found('suspended') });
    const { told, memo } = await played(acts);
    expect(told).toMatchObject({ told: 'failed', code: 'JOB_DELETED' });
    expect(memo).toMatchObject({ outcome: 'failed', started: false });
    expect(acts.asked).not.toContain('follow');
  });

  it('what is lost while it is queued is provisioned anew, and what was found of it is not forgotten', async () => {
    let queues = 0;
    const acts = queued({
      queue: async () => {
        if ((queues += 1) === 1) throw failure('ANCHOR_LOST');
        return { kind: 'failed', problem: { code: 'JOB_DELETED', message: 'deleted' } };
      },
      release: async ({ run }) => (run.attempt === 1 ? RELEASED : { is: 'released', found: 'suspended' }),
    });
    const { memo } = await played(acts);
    expect(acts.runs.map((run) => run.attempt)).toEqual([1, 2]);
    expect(memo).toMatchObject({ outcome: 'failed', started: true });
  });
});
