/** Evaluations in real containers: the example suite, hostile samples and all, and the real HumanEval. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationOutput, EvaluationTask } from '../../src/contract.ts';
import { openScene, type Scene, until } from './scene.ts';

const HUMAN_EVAL = process.env['HOLDFAST_HUMANEVAL'] ?? '../shared/data/HumanEval.jsonl.gz';

let scene: Scene;

beforeAll(async () => {
  scene = await openScene();
  await scene.startWorker();
});
afterAll(() => scene.close());

const packed = (rows: readonly unknown[]) => ({
  gzip: gzipSync(rows.map((row) => JSON.stringify(row)).join('\n')).toString('base64'),
});

async function evaluate(task: Omit<EvaluationTask, 'workload'>): Promise<EvaluationOutput> {
  const { taskId } = await scene.client.start({
    workload: 'evaluation',
    resources: { cpu: '1', memory: '512Mi' },
    ...task,
  });
  const outcome = await scene.client.result(taskId);
  if (outcome.outcome !== 'succeeded') throw new Error(JSON.stringify(outcome));
  expect(await scene.remains(taskId)).toEqual({ anchors: [], jobs: [], pods: [] });
  return outcome.result.output as EvaluationOutput;
}

describe('an evaluation', () => {
  const example = (name: string) => ({ jsonl: readFileSync(`examples/evaluation/${name}.jsonl`, 'utf8') });

  it('of the example suite counts what passes, fails and never ends, and hostile samples change nothing', async () => {
    const output = await evaluate({ problems: example('problems'), samples: example('samples'), parallel: 2 });
    expect(output).toMatchObject({ problems: 8, samples: 33, passed: 19, failed: 9, timedOut: 5, resultsLeftOut: 0 });
    expect(output.passAtK['1']).toBeCloseTo(0.602, 3);
    expect(output.results.map(({ index }) => index)).toEqual([...Array(33).keys()]);
  });

  it('whose log cannot be had for a while when it has ended keeps its result: it is asked for again', async () => {
    const task_id = 'brief/0';
    const problem = { task_id, prompt: 'def f():\n', entry_point: 'f', test: 'def check(f):\n    assert f() == 1\n' };
    scene.proxy.refuse(429, (url) => /\/pods\/[^/]+\/log\b/.test(url));
    try {
      const { taskId } = await scene.client.start({
        workload: 'evaluation',
        problems: packed([problem]),
        samples: packed([{ task_id, completion: '    return 1\n' }]),
        resources: { cpu: '1', memory: '256Mi' },
      });
      const handle = scene.client.temporal.workflow.getHandle(taskId);
      const isTriedAgain = async () => {
        const { raw } = await handle.describe();
        const follow = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'follow');
        return (follow?.attempt ?? 0) >= 2 && (await scene.remains(taskId)).pods[0]?.status?.phase === 'Succeeded';
      };
      await until('it has ended, and its log was asked for in vain', isTriedAgain, 60);
      scene.proxy.refuse();
      expect(await scene.client.result(taskId)).toMatchObject({
        outcome: 'succeeded',
        result: { output: { passed: 1 } },
      });
    } finally {
      scene.proxy.refuse();
    }
  });

  it('shows its progress while it runs, and stops at once when cancelled', async () => {
    const loop = { task_id: 'loop/0', prompt: 'def f():\n', entry_point: 'f', test: 'def check(f):\n    f()\n' };
    const samples = Array.from({ length: 40 }, () => ({ task_id: 'loop/0', completion: '    while True: pass\n' }));
    const { taskId } = await scene.client.start({
      workload: 'evaluation',
      problems: packed([loop]),
      samples: packed(samples),
      sampleTimeout: 1,
      parallel: 1,
      resources: { cpu: '500m', memory: '256Mi' },
    });
    await until(
      'two samples are done',
      async () => ((await scene.client.describe(taskId)).progress?.done ?? 0) >= 2,
      60,
    );
    expect((await scene.client.describe(taskId)).progress?.total).toBe(40);
    expect(await scene.client.cancel(taskId)).toBe('cancelled_running');
    expect(await scene.remains(taskId)).toEqual({ anchors: [], jobs: [], pods: [] });
  });

  it.skipIf(!existsSync(HUMAN_EVAL))(
    existsSync(HUMAN_EVAL)
      ? 'of HumanEval: its own solutions give pass@1 of exactly 1, doing nothing gives exactly 0'
      : `of HumanEval (skipped: the suite is not at ${HUMAN_EVAL}; HOLDFAST_HUMANEVAL names another place)`,
    async () => {
      const bytes = readFileSync(HUMAN_EVAL);
      const rows = gunzipSync(bytes).toString().trim().split('\n');
      const problems = rows.map((row) => JSON.parse(row) as { task_id: string; canonical_solution: string });
      const suite = { gzip: bytes.toString('base64') };
      const solved = problems.map(({ task_id, canonical_solution }) => ({ task_id, completion: canonical_solution }));
      const idle = problems.map(({ task_id }) => ({ task_id, completion: '    pass' }));
      const right = await evaluate({ problems: suite, samples: packed(solved), parallel: 2 });
      expect(right).toMatchObject({ problems: 164, passed: 164, passAtK: { '1': 1 } });
      const wrong = await evaluate({ problems: suite, samples: packed(idle), parallel: 2 });
      expect(wrong).toMatchObject({ problems: 164, passed: 0, passAtK: { '1': 0 } });
    },
  );
});
