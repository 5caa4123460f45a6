/** Many tasks of `true` at once: how long until all results are there. */
import { paced } from '../../../src/paced.ts';
import { type Bench, interleaved } from '../bench.ts';
import { calm } from '../calm.ts';
import { type Sides, sides } from '../estimate.ts';
import { type Ground, taskOf } from '../ground.ts';
import { type PlainTemporal, withPlain } from '../plain/plain-temporal.ts';
import type { Measured } from '../result.ts';

/** Requests that one process has under way at the same time, on both sides. */
const AT_ONCE = 50;

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
      withPlain(tools, async (ground, plain) => {
        const task = taskOf(tools.image, ['true']);
        const names = (turn: number) => Array.from({ length: how.size }, (_, index) => `t${turn}-${index}`);
        const seen = await interleaved(how, {
          ours: (turn) => playOurs(ground, names(turn), task),
          plain: (turn) => playPlain(ground, plain, names(turn), task),
          floor: (turn) => playRaw(ground, names(turn), task),
        });
        return measuredOf(name, how.size, seen);
      }),
  };
}

/** Seconds. */
async function playOurs(ground: Ground, names: readonly string[], task: ReturnType<typeof taskOf>): Promise<number> {
  await calm();
  const since = Date.now();
  const results: Promise<void>[] = [];
  await paced(names, { atOnce: AT_ONCE }, async (name) => {
    const { taskId, job } = await ground.start(name, task);
    results.push(succeeded(ground, taskId).then(() => ground.eyes.forget(job)));
  });
  await Promise.all(results);
  return (Date.now() - since) / 1_000;
}

async function succeeded(ground: Ground, taskId: string): Promise<void> {
  const told = await ground.stage.client.result(taskId);
  if (told.outcome !== 'succeeded') throw new Error(`task ${taskId} ${told.outcome}: ${JSON.stringify(told)}`);
}

async function playPlain(
  ground: Ground,
  plain: PlainTemporal,
  names: readonly string[],
  task: ReturnType<typeof taskOf>,
): Promise<number> {
  await calm();
  const since = Date.now();
  const jobs: string[] = [];
  const results: Promise<void>[] = [];
  await paced(names, { atOnce: AT_ONCE }, async (name) => {
    const job = await plain.start(name, task);
    jobs.push(job);
    results.push(plain.ended(job, 'succeeded'));
  });
  await Promise.all(results);
  const seconds = (Date.now() - since) / 1_000;
  await removed(ground, jobs);
  return seconds;
}

async function playRaw(ground: Ground, names: readonly string[], task: ReturnType<typeof taskOf>): Promise<number> {
  await calm();
  const since = Date.now();
  await paced(names, { atOnce: AT_ONCE }, (name) => ground.raw.create(name, task));
  const seconds = ((await ground.eyes.whenAll(names, 'jobComplete')) - since) / 1_000;
  await removed(ground, names);
  return seconds;
}

/** Ours are gone when their results are there; the others are taken away outside of what is measured. */
async function removed(ground: Ground, jobs: readonly string[]): Promise<void> {
  await paced(jobs, { atOnce: AT_ONCE }, (job) => ground.raw.delete(job));
  await ground.eyes.whenAll(jobs, 'jobGone');
  for (const job of jobs) ground.eyes.forget(job);
}

function measuredOf(name: string, size: number, seen: Sides): readonly Measured[] {
  const perSecond = (seconds: readonly number[]) => seconds.map((each) => size / each);
  const rates = { ours: perSecond(seen.ours), plain: perSecond(seen.plain), floor: perSecond(seen.floor) };
  const what = `${size.toLocaleString('en')} tasks of \`true\` at once${name === 'at-once' ? '' : ', real node'}`;
  return [
    { key: name, title: `${what} → all results`, unit: 's', ...sides(seen, 50) },
    { key: `${name}-rate`, title: `${what}: from start to proved gone`, unit: 'a second', ...sides(rates, 50) },
  ];
}
