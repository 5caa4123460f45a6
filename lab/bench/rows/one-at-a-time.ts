/** One task at a time on a real node: how long until its container starts, and until it is cancelled. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandTask } from '../../../src/contract.ts';
import { type Bench, interleaved } from '../bench.ts';
import { listenTo } from '../container-words.ts';
import { type Sides, sides } from '../estimate.ts';
import { type Ground, taskOf, UNTHROTTLED } from '../ground.ts';
import { type SmallestWorkflow, withSmallest } from '../smallest/smallest-workflow.ts';
import type { Measured } from '../result.ts';

/** Milliseconds, each from the request. */
interface Times {
  readonly started: number;
  readonly stopped: number;
  /** Of a workflow: its answer. The floor: no Pod is left. */
  readonly told: number;
}

/** Between its start and its end a container runs for a moment, as they do. Milliseconds. */
const RUNS_MS = 500;

export const oneAtATime: Bench = benchOf('one', 'a container that ends at SIGTERM', 40, 'echo ended');
export const oneThatLingers: Bench = benchOf(
  'lingering',
  'a container that takes 2 s to end after SIGTERM',
  10,
  'sleep 2; echo ended',
);

function benchOf(name: string, title: string, repeats: number, atTheEnd: string): Bench {
  return {
    name,
    title: `one task at a time, ${title}`,
    floor: '`create Job`, then `delete Job` Foreground and a watch until no Pod is left, by the same client',
    nodes: 'real',
    size: 1,
    sizeMeans: 'tasks at a time',
    repeats,
    measure: (tools, how) =>
      withSmallest(tools, async (ground, smallest) => {
        const script = `trap "${atTheEnd}; exit 143" TERM; echo began; sleep 600 & wait`;
        const task = taskOf(tools.image, ['sh', '-c', script], UNTHROTTLED);
        const seen = await interleaved(how, {
          ours: (turn) => playOurs(ground, `one-${turn}`, task),
          smallest: (turn) => playSmallest(ground, smallest, `smallest-${turn}`, task),
          floor: (turn) => playRaw(ground, `raw-${turn}`, task),
        });
        return measuredOf(name, seen);
      }),
  };
}

async function playOurs(ground: Ground, name: string, task: CommandTask): Promise<Times> {
  const submittedAt = Date.now();
  const { taskId, job } = await ground.start(name, task);
  return playOn(ground, job, submittedAt, async () => {
    await ground.stage.client.cancel(taskId);
    return Date.now();
  });
}

async function playSmallest(
  ground: Ground,
  smallest: SmallestWorkflow,
  name: string,
  task: CommandTask,
): Promise<Times> {
  const submittedAt = Date.now();
  const job = await smallest.start(name, task);
  return playOn(ground, job, submittedAt, async () => {
    await smallest.cancel(job);
    await smallest.ended(job, 'cancelled');
    return Date.now();
  });
}

async function playRaw(ground: Ground, job: string, task: CommandTask): Promise<Times> {
  const submittedAt = Date.now();
  await ground.raw.create(job, task);
  return playOn(ground, job, submittedAt, async () => {
    await ground.raw.delete(job);
    return ground.eyes.when(job, 'podGone');
  });
}

async function playOn(ground: Ground, job: string, submittedAt: number, end: () => Promise<number>): Promise<Times> {
  await ground.eyes.when(job, 'running');
  const words = listenTo(ground.api, ground.eyes.of(job).pod ?? '');
  const startedAt = await words.when('began');
  await sleep(RUNS_MS);
  const cancelledAt = Date.now();
  const [toldAt, stoppedAt] = await Promise.all([end(), words.when('ended')]);
  await ground.eyes.when(job, 'jobGone');
  words.close();
  return { started: startedAt - submittedAt, stopped: stoppedAt - cancelledAt, told: toldAt - cancelledAt };
}

function measuredOf(name: string, seen: Readonly<Record<keyof Sides, readonly Times[]>>): readonly Measured[] {
  const of = (time: keyof Times): Sides => ({
    ours: seen.ours.map((one) => one[time]),
    smallest: seen.smallest.map((one) => one[time]),
    floor: seen.floor.map((one) => one[time]),
  });
  const starts = name === 'one' ? [['start', 'submit → container started', 'started', [50, 95]] as const] : [];
  const lines = [
    ...starts,
    [`${name === 'one' ? '' : `${name}-`}stop`, 'cancel → last container stopped', 'stopped', [50]] as const,
    [`${name === 'one' ? '' : `${name}-`}answer`, 'cancel → truthful answer', 'told', [50]] as const,
  ];
  const suffix = name === 'one' ? '' : ', the container takes 2 s to end';
  return lines.flatMap(([key, title, time, shares]) =>
    shares.map((share) => ({
      key: `${key}-p${share}`,
      title: `${title}, p${share}${suffix}`,
      unit: 'ms' as const,
      ...sides(of(time), share),
    })),
  );
}
