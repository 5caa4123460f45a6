/** Many running tasks cancelled at once: how long until all are proved gone. */
import type { CommandTask } from '../../../src/contract.ts';
import { paced } from '../../../src/paced.ts';
import { type Bench, interleaved } from '../bench.ts';
import { type Ground, taskOf } from '../ground.ts';
import { type SmallestWorkflow, withSmallest } from '../smallest/smallest-workflow.ts';
import { AT_ONCE, type Turn, untilAll } from '../until-all.ts';
import { mediansOf, processorRows } from './turns.ts';

export const bulkCancel: Bench = {
  name: 'bulk-cancel',
  title: 'running tasks cancelled at once on simulated nodes',
  floor: 'as many raw Jobs deleted Foreground, as many requests at a time, until a watch shows no Pod',
  nodes: 'simulated',
  size: 1_000,
  sizeMeans: 'running tasks',
  repeats: 3,
  measure: (tools, how) =>
    withSmallest(tools, async (ground, smallest) => {
      const task = taskOf(tools.image, ['sleep', '86400'], { timeout: '1d' });
      const names = (turn: number) => Array.from({ length: how.size }, (_, index) => `b${turn}-${index}`);
      const seen = await interleaved(how, {
        ours: (turn) => playOurs(ground, names(turn), task),
        smallest: (turn) => playSmallest(ground, smallest, names(turn), task),
        floor: (turn) => playRaw(ground, names(turn), task),
      });
      const what = `cancel of ${how.size.toLocaleString('en')} running tasks`;
      const seconds = mediansOf(seen, (turn) => turn.seconds);
      return [
        { key: 'bulk-cancel', title: `${what} → all proved gone`, unit: 's', ...seconds },
        ...processorRows('bulk-cancel', what, how.size, seen),
      ];
    }),
};

async function playOurs(ground: Ground, names: readonly string[], task: CommandTask): Promise<Turn> {
  const tasks = await paced(names, { atOnce: AT_ONCE }, (name) => ground.start(name, task));
  const jobs = tasks.map(({ job }) => job);
  await ground.eyes.whenAll(jobs, 'running');
  const turn = await untilAll(tasks, async ({ taskId }) => {
    await ground.stage.client.cancel(taskId, { wait: false });
    return () => cancelled(ground, taskId);
  });
  await ground.eyes.untilGone(jobs);
  return turn;
}

async function cancelled(ground: Ground, taskId: string): Promise<void> {
  const { outcome } = await ground.stage.client.result(taskId);
  if (outcome !== 'cancelled') throw new Error(`task ${taskId} ${outcome}, though it was cancelled`);
}

async function playSmallest(
  ground: Ground,
  smallest: SmallestWorkflow,
  names: readonly string[],
  task: CommandTask,
): Promise<Turn> {
  const jobs = await paced(names, { atOnce: AT_ONCE }, (name) => smallest.start(name, task));
  await ground.eyes.whenAll(jobs, 'running');
  const turn = await untilAll(jobs, async (job) => {
    await smallest.cancel(job);
    return () => smallest.ended(job, 'cancelled');
  });
  await ground.eyes.untilGone(jobs);
  return turn;
}

async function playRaw(ground: Ground, names: readonly string[], task: CommandTask): Promise<Turn> {
  await paced(names, { atOnce: AT_ONCE }, (name) => ground.raw.create(name, task));
  await ground.eyes.whenAll(names, 'running');
  const turn = await untilAll(names, async (name) => {
    await ground.raw.delete(name);
    return () => ground.eyes.when(name, 'podGone');
  });
  await ground.eyes.untilGone(names);
  return turn;
}
