/** The life of a task as the workflow tells it, on a clock that skips. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Activities } from '../../src/activities/index.ts';
import type { Ending, Task } from '../../src/contract.ts';
import { memoOf, type Stage, TASK, tellingOf, timeSkipping } from './stage.ts';
import { anchorOf, attempt, failure, later, Moment, provisionedOf, RELEASED, SUCCEEDED, world } from './world.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await timeSkipping();
}, 120_000);
afterAll(() => stage.close());

/** One task against the world, to its end. */
async function played(activities: Activities, task?: unknown) {
  return stage.play(activities, async (begin) => {
    const handle = await begin(task);
    const told = await tellingOf(handle);
    return { told, memo: await memoOf(handle), handle };
  });
}

const FAILED: Ending = { kind: 'failed', problem: { code: 'EXIT_CODE', message: 'exit code 3', next: 'Read it.' } };
const DISPATCHED = ['provision', 'start', 'follow'] as const;

describe('a task', () => {
  it('is provisioned, started, followed and released, in this order, and gives its result', async () => {
    const acts = world();
    const { told, memo, handle } = await played(acts);
    expect(acts.asked).toEqual([...DISPATCHED, 'release']);
    const job = { namespace: 'ns', name: 'hf-1', uid: 'job-1' };
    const { workflowId: taskId } = handle;
    const result = { taskId, workload: 'command', outcome: 'succeeded', output: { exitCode: 0 }, job };
    expect(told).toEqual({ told: 'result', result });
    expect(memo).toEqual({ taskId, workload: 'command', phase: 'ended', outcome: 'succeeded', started: true, job });
  });

  it('that failed is released, and only then fails, with the code and the advice of its ending', async () => {
    const acts = world({ follow: async () => FAILED });
    const { told, memo } = await played(acts);
    expect(acts.asked.at(-1)).toBe('release');
    expect(told).toEqual({ told: 'failed', code: 'EXIT_CODE', problem: FAILED.kind === 'failed' && FAILED.problem });
    expect(memo).toMatchObject({ outcome: 'failed', problem: { code: 'EXIT_CODE' } });
  });

  it('names its run to the cluster by task id, run id and attempt', async () => {
    const acts = world();
    const { handle } = await played(acts);
    const { runId } = await handle.describe();
    expect(acts.runs).toEqual([{ taskId: handle.workflowId, runId, attempt: 1 }]);
  });

  it('waits out a Kubernetes that is away for hours at every step, and ends well', async () => {
    const twice = <T>(answer: T) => {
      if (attempt() < 3) throw later('1 hour');
      return Promise.resolve(answer);
    };
    const acts = world({
      provision: async (run) => twice(provisionedOf(anchorOf(run, 86_400))),
      start: async () => twice(undefined),
      follow: async () => twice(SUCCEEDED),
      release: async () => twice(RELEASED),
    });
    const { told } = await played(acts);
    expect(told).toMatchObject({ told: 'result' });
    expect(acts.asked).toEqual([...DISPATCHED, 'release'].flatMap((verb) => [verb, verb, verb]));
  });

  it('may run for 20 days', async () => {
    const acts = world({
      provision: async (run) => provisionedOf(anchorOf(run, 30 * 86_400)),
      follow: async () => {
        if (attempt() < 3) throw later('10 days');
        return SUCCEEDED;
      },
    });
    const { told, handle } = await played(acts);
    const { startTime, closeTime } = await handle.describe();
    expect(told).toMatchObject({ told: 'result' });
    expect((closeTime?.getTime() ?? 0) - startTime.getTime()).toBeGreaterThanOrEqual(20 * 86_400_000);
  });

  it('that passes its timeout is released like a cancelled one, and fails with DEADLINE_EXCEEDED', async () => {
    const acts = world({
      provision: async (run) => provisionedOf(anchorOf(run, 7_200)),
      follow: async () => {
        throw later('10 days');
      },
    });
    const { told, memo, handle } = await played(acts);
    expect(told).toMatchObject({ told: 'failed', code: 'DEADLINE_EXCEEDED', problem: { next: expect.any(String) } });
    expect(acts.asked).toEqual([...DISPATCHED, 'release']);
    expect(acts.releases).toMatchObject([{ anchor: { uid: 'anchor-1' }, settled: false }]);
    expect(memo).toMatchObject({ outcome: 'failed', started: true });
    expect(memo.cancel).toBeUndefined();
    const { startTime, closeTime } = await handle.describe();
    expect((closeTime?.getTime() ?? 0) - startTime.getTime()).toBeLessThan(86_400_000);
  });

  it('that ended by itself just before its deadline was enforced keeps its true outcome', async () => {
    const acts = world({
      provision: async (run) => provisionedOf(anchorOf(run, 60)),
      follow: async () => {
        throw later('1 hour');
      },
      release: async ({ settled }) => (settled ? RELEASED : { is: 'unsettled', ending: SUCCEEDED }),
    });
    const { told } = await played(acts);
    expect(told).toMatchObject({ told: 'result', result: { output: { exitCode: 0 } } });
    expect(acts.releases.map(({ settled }) => settled)).toEqual([false, true]);
  });

  it.each([
    ['nothing', undefined, 'command'],
    ['text', 'not a task', 'command'],
    ['an unknown workload', { workload: 'mining' }, 'mining'],
  ])('whose input is %s is refused by its code, and is released all the same', async (_, input, workload) => {
    const acts = world({
      provision: async () => {
        throw failure('INPUT_INVALID', 'image: is missing');
      },
      release: async () => ({ is: 'released', found: 'nothing' }),
    });
    const { told, memo } = await played(acts, input === undefined ? null : input);
    expect(told).toMatchObject({ told: 'failed', code: 'INPUT_INVALID', problem: { message: 'image: is missing' } });
    expect(acts.asked).toEqual(['provision', 'release']);
    expect(memo).toMatchObject({ outcome: 'failed', workload, started: false });
  });
});

describe('release', () => {
  const PHASES: readonly (keyof Activities)[] = DISPATCHED;

  it.each(PHASES)('is called, with what is known of the run, when %s fails for good', async (verb) => {
    const refuse = async () => {
      throw failure('JOB_REFUSED');
    };
    const acts = world({ [verb]: refuse });
    const { told, handle } = await played(acts);
    const { runId } = await handle.describe();
    const run = { taskId: handle.workflowId, runId, attempt: 1 };
    expect(told).toMatchObject({ told: 'failed', code: 'JOB_REFUSED', problem: { next: 'Do something.' } });
    expect(acts.asked).toEqual([...PHASES.slice(0, PHASES.indexOf(verb) + 1), 'release']);
    const known = verb === 'provision' ? {} : { anchor: anchorOf(run) };
    expect(acts.releases).toEqual([{ run, ...known, settled: false }]);
  });

  it('is told that the ending is known when follow gave it', async () => {
    const acts = world();
    await played(acts);
    expect(acts.releases).toMatchObject([{ settled: true }]);
  });

  it('that fails again and again delays the outcome until it succeeds, and does not change it', async () => {
    const acts = world({
      release: async () => {
        if (attempt() < 40) throw later('1 hour');
        return RELEASED;
      },
    });
    const { told, handle } = await played(acts);
    expect(told).toMatchObject({ told: 'result' });
    expect(acts.releases).toHaveLength(40);
    const { startTime, closeTime } = await handle.describe();
    expect((closeTime?.getTime() ?? 0) - startTime.getTime()).toBeGreaterThanOrEqual(39 * 3_600_000);
  });

  it('tells that the Job had been let go, though nobody had heard of it', async () => {
    const provision = async () => {
      throw failure('KUBERNETES_FORBIDDEN');
    };
    expect((await played(world({ provision }))).memo.started).toBe(true);
    const suspended = world({ provision, release: async () => ({ is: 'released', found: 'suspended' }) });
    expect((await played(suspended)).memo.started).toBe(false);
  });
});

describe('an attempt whose anchor was lost', () => {
  const lost = async () => {
    throw failure('ANCHOR_LOST');
  };

  it('is released and followed by another, under another attempt number', async () => {
    const acts = world({ start: async (held) => (held.run.attempt === 1 ? lost() : undefined) });
    const { told } = await played(acts);
    expect(acts.asked).toEqual(['provision', 'start', 'release', ...DISPATCHED, 'release']);
    expect(acts.releases.map(({ run, anchor }) => [run.attempt, anchor?.uid])).toEqual([
      [1, 'anchor-1'],
      [2, 'anchor-2'],
    ]);
    expect(told).toMatchObject({ told: 'result', result: { job: { uid: 'job-2' } } });
  });

  it('is followed by at most two others; then the task fails with ANCHOR_LOST', async () => {
    const acts = world({ start: lost });
    const { told } = await played(acts);
    expect(acts.runs.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(acts.releases.map(({ run }) => run.attempt)).toEqual([1, 2, 3]);
    expect(told).toMatchObject({ told: 'failed', code: 'ANCHOR_LOST' });
  });
});

describe('a task whose Pod the platform took away', () => {
  const taken: Ending = {
    kind: 'failed',
    problem: { code: 'EVICTED', message: 'preempted', facts: { disruption: 'PreemptionByScheduler' } },
  };
  const always = world({ follow: async () => taken });

  it('fails, if it has no retries', async () => {
    expect(await played(world({ follow: async () => taken }))).toMatchObject({ told: { code: 'EVICTED' } });
  });

  it('is released and runs anew under another name, and tells why it did', async () => {
    const acts = world({ follow: async ({ run }) => (run.attempt < 3 ? taken : SUCCEEDED) });
    const { told, memo } = await played(acts, { ...TASK, retries: 2 });
    expect(acts.asked).toEqual(Array.from({ length: 3 }, () => [...DISPATCHED, 'release']).flat());
    expect(acts.runs.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(told).toMatchObject({ told: 'result', result: { job: { uid: 'job-3' } } });
    expect(memo).toMatchObject({ outcome: 'succeeded', retried: { times: 2, because: { message: 'preempted' } } });
    expect(memo.problem).toBeUndefined();
  });

  it('fails with what took it when its retries are used up', async () => {
    const { told, memo } = await played(always, { ...TASK, retries: 1 });
    expect(always.asked.filter((verb) => verb === 'follow')).toHaveLength(2);
    expect(told).toMatchObject({ told: 'failed', code: 'EVICTED' });
    expect(memo.retried?.times).toBe(1);
  });

  it('does not use up its retries by anchors that are lost, nor those by retries', async () => {
    const acts = world({
      start: async (held) => {
        if (held.run.attempt === 1) throw failure('ANCHOR_LOST');
      },
      follow: async ({ run }) => (run.attempt < 5 ? taken : SUCCEEDED),
    });
    expect(await played(acts, { ...TASK, retries: 3 })).toMatchObject({ told: { told: 'result' } });
  });

  it.each([
    ['its own exit code', FAILED],
    ['its own storage', { kind: 'failed', problem: { code: 'EVICTED', message: 'over its limit' } } satisfies Ending],
    ["somebody's hand", { kind: 'failed', problem: { code: 'JOB_DELETED', message: 'deleted' } } satisfies Ending],
  ])('is another thing than one that was ended by %s, which runs once', async (_, ending) => {
    const acts = world({ follow: async () => ending });
    expect(await played(acts, { ...TASK, retries: 5 })).toMatchObject({ told: { told: 'failed' } });
    expect(acts.runs).toHaveLength(1);
  });

  it('and that is cancelled while it is released runs no more, and was started', async () => {
    const releasing = new Moment();
    const cancelled = new Moment();
    const acts = world({
      follow: async () => taken,
      release: async ({ run }) => {
        if (run.attempt > 1) return { is: 'released', found: 'nothing' };
        releasing.reach();
        await cancelled.reached;
        return RELEASED;
      },
    });
    await stage.play(acts, async (begin) => {
      const handle = await begin({ ...TASK, retries: 5 });
      await releasing.reached;
      await handle.cancel();
      cancelled.reach();
      expect(await tellingOf(handle)).toEqual({ told: 'cancelled' });
      expect(await memoOf(handle)).toMatchObject({ outcome: 'cancelled', started: true });
    });
    expect(acts.asked.filter((verb) => verb === 'follow')).toHaveLength(1);
  });
});

it('two tasks at once keep their own outcomes', async () => {
  const acts = world({ follow: async (held) => (held.run.taskId.endsWith('-bad') ? FAILED : SUCCEEDED) });
  await stage.play(acts, async (begin) => {
    const task: Task = { workload: 'command', image: 'a' };
    const [good, bad] = await Promise.all([begin(task, 'two-good'), begin(task, 'two-bad')]);
    expect(await tellingOf(good)).toMatchObject({ told: 'result' });
    expect(await tellingOf(bad)).toMatchObject({ told: 'failed', code: 'EXIT_CODE' });
  });
});
