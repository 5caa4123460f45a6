/** Many tasks of `true` at once: how long until all results are there. */
import type { CommandTask } from '../../../src/contract.ts';
import { paced } from '../../../src/paced.ts';
import { type Bench, interleaved } from '../bench.ts';
import { type Ground, taskOf } from '../ground.ts';
import { type SmallestWorkflow, withSmallest } from '../smallest/smallest-workflow.ts';
import { AT_ONCE, type Turn, untilAll } from '../until-all.ts';
import type { Measured } from '../result.ts';
import { mediansOf, processorRows, type Turns } from './turns.ts';

export const atOnce: Bench = benchOf('at-once', 'simulated', 500);
export const atOnceReal: Bench = benchOf('at-once-real', 'real', 100);

function benchOf(name: string, nodes: 'real' | 'simulated', size: number): Bench {
  return {
    name,
    title: `tasks of \`true\` submitted at once on ${nodes} nodes`,
    floor: 'as many raw Jobs, created as fast as one process can, until all are complete',
    nodes,
    size,
    sizeMeans: 'tasks',
    repeats: 3,
    measure: (tools, how) =>
      withSmallest(tools, async (ground, smallest) => {
        const task = taskOf(tools.image, ['true']);
        const names = (turn: number) => Array.from({ length: how.size }, (_, index) => `t${turn}-${index}`);
        const seen = await interleaved(how, {
          ours: (turn) => playOurs(ground, names(turn), task),
          smallest: (turn) => playSmallest(ground, smallest, names(turn), task),
          floor: (turn) => playRaw(ground, names(turn), task),
        });
        return measuredOf(name, how.size, seen);
      }),
  };
}

function playOurs(ground: Ground, names: readonly string[], task: CommandTask): Promise<Turn> {
  return untilAll(names, async (name) => {
    const { taskId, job } = await ground.start(name, task);
    return async () => {
      await succeeded(ground, taskId);
      ground.eyes.forget(job);
    };
  });
}

async function succeeded(ground: Ground, taskId: string): Promise<void> {
  const told = await ground.stage.client.result(taskId);
  if (told.outcome !== 'succeeded') throw new Error(`task ${taskId} ${told.outcome}: ${JSON.stringify(told)}`);
}

async function playSmallest(
  ground: Ground,
  smallest: SmallestWorkflow,
  names: readonly string[],
  task: CommandTask,
): Promise<Turn> {
  const jobs: string[] = [];
  const turn = await untilAll(names, async (name) => {
    const job = await smallest.start(name, task);
    jobs.push(job);
    return () => smallest.ended(job, 'succeeded');
  });
  await removed(ground, jobs);
  return turn;
}

async function playRaw(ground: Ground, names: readonly string[], task: CommandTask): Promise<Turn> {
  const turn = await untilAll(names, async (name) => {
    await ground.raw.create(name, task);
    return () => ground.eyes.when(name, 'jobComplete');
  });
  await removed(ground, names);
  return turn;
}

/** Ours are gone when their results are there; the others are taken away outside of what is measured. */
async function removed(ground: Ground, jobs: readonly string[]): Promise<void> {
  await paced(jobs, { atOnce: AT_ONCE }, (job) => ground.raw.delete(job));
  await ground.eyes.untilGone(jobs);
}

function measuredOf(name: string, size: number, seen: Turns): readonly Measured[] {
  const seconds = mediansOf(seen, (turn) => turn.seconds);
  const rates = mediansOf(seen, (turn) => size / turn.seconds);
  const what = `${size.toLocaleString('en')} tasks of \`true\` at once${name === 'at-once' ? '' : ', real node'}`;
  return [
    { key: name, title: `${what} → all results`, unit: 's', ...seconds },
    { key: `${name}-rate`, title: `${what}: results a second`, unit: 'a second', ...rates },
    ...processorRows(name, what, size, seen),
  ];
}
