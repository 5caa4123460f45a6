/** Many tasks that run and have nothing to tell: what they cost one worker, Temporal and the API server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { paced } from '../../../src/paced.ts';
import { type Bench, type How } from '../bench.ts';
import { type Estimate, estimate, exactly } from '../estimate.ts';
import { Ground, taskOf, type Tools } from '../ground.ts';
import type { Measured, Unit } from '../result.ts';
import { freePort } from '../../protocols/role-process.ts';
import { Traffic } from '../traffic.ts';
import { WorkerProcess } from '../../stage/worker-process.ts';
import { residentMegabytes, temporalRequests } from '../worker-meters.ts';

/** How many are started at the same time. */
const AT_ONCE = 20;
const REST_MS = 10_000;
/** One sample of the load; a row has as many as it has repeats. Milliseconds. */
const SAMPLE_MS = 60_000;

/** Simulated nodes have logs, too: each task has its stream. */
export const waiting: Bench = {
  name: 'waiting',
  title: 'what tasks that wait in one worker ask of Temporal and of Kubernetes, on simulated nodes',
  nodes: 'simulated',
  size: 5_000,
  sizeMeans: 'tasks',
  repeats: 3,
  measure: measureLoad,
};

export const waitingReal: Bench = {
  ...waiting,
  name: 'waiting-real',
  title: 'what tasks that wait in one worker ask of Temporal and of Kubernetes, on a real node',
  nodes: 'real',
  size: 100,
};

/** What they cost its process: with nothing before the API server, so that logs share connections as they do in earnest. */
export const waitingMost: Bench = {
  name: 'waiting-most',
  title: 'tasks that wait in one worker, on simulated nodes',
  nodes: 'simulated',
  size: 10_000,
  sizeMeans: 'tasks',
  repeats: 3,
  measure: measureMemory,
};

/** Requests are counted by a proxy, to which each log has a connection of its own. */
async function measureLoad(tools: Tools, how: How): Promise<readonly Measured[]> {
  return onGround(tools, how, true, async (ground, metrics) => {
    const traffic = new Traffic(ground.stage.proxy);
    await startAll(ground, how, namesOf(0, how.size), taskOf(tools.image, ...FOREVER));
    await sleep(SAMPLE_MS);
    const loads = await samples(how, async () => {
      const before = traffic.requests;
      const temporal = await temporalASecond(metrics, SAMPLE_MS);
      return { temporal, kubernetes: ((traffic.requests - before) * 1_000) / SAMPLE_MS };
    });
    const of = (each: (load: (typeof loads)[number]) => number) => estimate(loads.map(each), 50);
    const suffix = tools.nodes === 'real' ? '-real' : '';
    const tasks = `${counted(how.size)} waiting tasks${tools.nodes === 'real' ? ', real node' : ''}`;
    const lines: readonly Line[] = [
      ['load-temporal', `requests to Temporal, ${tasks}`, 'a second', of(({ temporal }) => temporal)],
      ['load-kubernetes', `requests to Kubernetes, ${tasks}`, 'a second', of(({ kubernetes }) => kubernetes)],
      [
        'load-per-task',
        `both together, for each of ${tasks}`,
        'a second',
        of(({ temporal, kubernetes }) => (temporal + kubernetes) / how.size),
      ],
      ['watches', `watches of one worker, ${tasks}`, 'watches', exactly(traffic.openWatches)],
    ];
    return measuredOf(lines, suffix);
  });
}

/** With half of them, and with all. */
async function measureMemory(tools: Tools, how: How): Promise<readonly Measured[]> {
  return onGround(tools, how, false, async (ground, metrics) => {
    const idle = await memory(ground, how, REST_MS);
    const [half, task] = [Math.floor(how.size / 2), taskOf(tools.image, ...FOREVER)];
    const eachOf = (tasks: number, megabytes: readonly number[]) =>
      estimate(
        megabytes.map((of) => (of - idle.value) / tasks),
        50,
      );
    await startAll(ground, how, namesOf(0, half), task);
    await sleep(SAMPLE_MS);
    const atHalf = await samples(how, () => memoryAfter(ground, SAMPLE_MS));
    const onlooker = Math.max(0, (await onlookersMegabytes(ground)) - idle.value) / half;
    await startAll(ground, how, namesOf(half, how.size), task);
    await sleep(SAMPLE_MS);
    const loads = await samples(how, async () => ({
      temporal: await temporalASecond(metrics, SAMPLE_MS),
      megabytes: residentMegabytes(ground.stage.worker.pid),
    }));
    const ofMost = loads.map(({ megabytes }) => megabytes);
    const temporal = estimate(
      loads.map((load) => load.temporal),
      50,
    );
    const tasks = (count: number) => `for each of ${counted(count)} waiting tasks`;
    const lines: readonly Line[] = [
      ['memory-idle', 'memory of a worker with nothing to do', 'MB', idle],
      ['memory', `memory of a worker ${tasks(half)}`, 'MB', eachOf(half, atHalf)],
      ['memory-watched', `memory of another worker of the namespace, ${tasks(half)}`, 'MB', exactly(onlooker)],
      ['memory-most', `memory of a worker ${tasks(how.size)}`, 'MB', eachOf(how.size, ofMost)],
      ['load-temporal-most', `requests to Temporal, ${counted(how.size)} waiting tasks`, 'a second', temporal],
    ];
    return measuredOf(lines);
  });
}

type Line = readonly [string, string, Unit, Estimate];

function measuredOf(lines: readonly Line[], suffix = ''): readonly Measured[] {
  return lines.map(([key, title, unit, ours]) => ({ key: `${key}${suffix}`, title, unit, ours }));
}

const FOREVER = [['sleep', '86400'], { timeout: '2d', gracePeriod: '1s' }] as const;

const counted = (tasks: number) => tasks.toLocaleString('en');
const namesOf = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `w-${from + index}`);

async function onGround<T>(
  tools: Tools,
  { size }: How,
  throughProxy: boolean,
  use: (ground: Ground, metrics: string) => Promise<T>,
): Promise<T> {
  const metrics = `127.0.0.1:${await freePort()}`;
  const env = { HOLDFAST_METRICS_ADDRESS: metrics, HOLDFAST_MAX_TASKS: String(Math.max(2_000, size)) };
  const ground = await Ground.open(tools, { throughProxy, env });
  try {
    await sleep(REST_MS);
    return await use(ground, metrics);
  } finally {
    await ground.close();
  }
}

async function samples<T>(how: How, take: () => Promise<T>): Promise<readonly T[]> {
  const taken: T[] = [];
  for (let sample = 1; sample <= how.repeats; sample += 1) {
    taken.push(await take());
    how.tell(`sample ${sample} of ${how.repeats}: ${JSON.stringify(taken.at(-1))}`);
  }
  return taken;
}

async function memory(ground: Ground, how: How, ms: number): Promise<Estimate> {
  return estimate(await samples(how, () => memoryAfter(ground, ms)), 50);
}

async function memoryAfter(ground: Ground, ms: number): Promise<number> {
  await sleep(ms);
  return residentMegabytes(ground.stage.worker.pid);
}

/** Over so long. */
async function temporalASecond(metrics: string, ms: number): Promise<number> {
  const [before, since] = [await temporalRequests(metrics), performance.now()];
  await sleep(ms);
  return (((await temporalRequests(metrics)) - before) * 1_000) / (performance.now() - since);
}

async function startAll(
  ground: Ground,
  how: How,
  names: readonly string[],
  task: ReturnType<typeof taskOf>,
): Promise<void> {
  let started = 0;
  await paced(names, { atOnce: AT_ONCE }, async (name) => {
    const { job } = await ground.start(name, task);
    await ground.eyes.when(job, 'running');
    ground.eyes.forget(job);
    started += 1;
    if (started % 250 === 0) how.tell(`${started} of ${names.length} tasks run`);
  });
}

/** Another worker of the same namespace, which follows none of the tasks: its watches show them all the same. */
async function onlookersMegabytes({ stage }: Ground): Promise<number> {
  const env = { ...stage.environment, HOLDFAST_TASK_QUEUE: `${stage.namespace}-other`, HOLDFAST_METRICS_ADDRESS: '' };
  const worker = await WorkerProcess.start(env);
  try {
    await sleep(REST_MS);
    return residentMegabytes(worker.pid);
  } finally {
    await worker.end('SIGTERM');
  }
}
