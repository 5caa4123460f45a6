/** Many running tasks cancelled at once: how long until all are proved gone. */
import { paced } from '../../../src/paced.ts';
import { type Bench, interleaved } from '../bench.ts';
import { calm } from '../calm.ts';
import { sides } from '../estimate.ts';
import { type Begun, type Ground, taskOf } from '../ground.ts';
import { type PlainTemporal, withPlain } from '../plain/plain-temporal.ts';

/** Requests that one process has under way at the same time, on both sides. */
const AT_ONCE = 50;

export const bulkCancel: Bench = {
  name: 'bulk-cancel',
  title: 'running tasks cancelled at once on simulated nodes',
  floor: 'as many raw Jobs deleted Foreground, as many requests at a time, until a watch shows no Pod',
  nodes: 'simulated',
  size: 1_000,
  sizeMeans: 'running tasks',
  repeats: 3,
  measure: (tools, how) =>
    withPlain(tools, async (ground, plain) => {
      const task = taskOf(tools.image, ['sleep', '86400'], { timeout: '1d' });
      const names = (turn: number) => Array.from({ length: how.size }, (_, index) => `b${turn}-${index}`);
      const seen = await interleaved(how, {
        ours: (turn) => playOurs(ground, names(turn), task),
        plain: (turn) => playPlain(ground, plain, names(turn), task),
        floor: (turn) => playRaw(ground, names(turn), task),
      });
      const title = `cancel of ${how.size.toLocaleString('en')} running tasks → all proved gone`;
      return [{ key: 'bulk-cancel', title, unit: 's', ...sides(seen, 50) }];
    }),
};

/** Seconds. */
async function playOurs(ground: Ground, names: readonly string[], task: ReturnType<typeof taskOf>): Promise<number> {
  const tasks: Begun[] = [];
  await paced(names, { atOnce: AT_ONCE }, async (name) => tasks.push(await ground.start(name, task)));
  const jobs = tasks.map(({ job }) => job);
  await ground.eyes.whenAll(jobs, 'running');
  await calm();
  const since = Date.now();
  const { client } = ground.stage;
  const told: Promise<void>[] = [];
  await paced(tasks, { atOnce: AT_ONCE }, async ({ taskId }) => {
    await client.cancel(taskId, { wait: false });
    told.push(cancelled(ground, taskId));
  });
  await Promise.all(told);
  const seconds = (Date.now() - since) / 1_000;
  await ground.eyes.whenAll(jobs, 'jobGone');
  for (const job of jobs) ground.eyes.forget(job);
  return seconds;
}

async function cancelled(ground: Ground, taskId: string): Promise<void> {
  const { outcome } = await ground.stage.client.result(taskId);
  if (outcome !== 'cancelled') throw new Error(`task ${taskId} ${outcome}, though it was cancelled`);
}

async function playPlain(
  ground: Ground,
  plain: PlainTemporal,
  names: readonly string[],
  task: ReturnType<typeof taskOf>,
): Promise<number> {
  const jobs: string[] = [];
  await paced(names, { atOnce: AT_ONCE }, async (name) => jobs.push(await plain.start(name, task)));
  await ground.eyes.whenAll(jobs, 'running');
  await calm();
  const since = Date.now();
  const told: Promise<void>[] = [];
  await paced(jobs, { atOnce: AT_ONCE }, async (job) => {
    await plain.cancel(job);
    told.push(plain.ended(job, 'cancelled'));
  });
  await Promise.all(told);
  const seconds = (Date.now() - since) / 1_000;
  await ground.eyes.whenAll(jobs, 'jobGone');
  for (const job of jobs) ground.eyes.forget(job);
  return seconds;
}

async function playRaw(ground: Ground, names: readonly string[], task: ReturnType<typeof taskOf>): Promise<number> {
  await paced(names, { atOnce: AT_ONCE }, (name) => ground.raw.create(name, task));
  await ground.eyes.whenAll(names, 'running');
  await calm();
  const since = Date.now();
  await paced(names, { atOnce: AT_ONCE }, (name) => ground.raw.delete(name));
  const seconds = ((await ground.eyes.whenAll(names, 'podGone')) - since) / 1_000;
  await ground.eyes.whenAll(names, 'jobGone');
  for (const name of names) ground.eyes.forget(name);
  return seconds;
}
