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

interface Kind {
  readonly nodes: 'real' | 'simulated';
  readonly size: number;
  /** What its keys end with. */
  readonly suffix: string;
  /** Whether requests to Kubernetes are counted, by a proxy: it has two open files for each log, and its sender a connection. */
  readonly counted: boolean;
}

/** Simulated nodes have logs, too: each task has its stream. */
export const waiting: Bench = benchOf('waiting', { nodes: 'simulated', size: 5_000, suffix: '', counted: true });
export const waitingReal: Bench = benchOf('waiting-real', { nodes: 'real', size: 100, suffix: '-real', counted: true });
/** As many as an API server follows that may have 20,000 open files, if two are for each log, as they are by HTTP/1.1. */
export const waitingMost: Bench = benchOf('waiting-most', {
  nodes: 'simulated',
  size: 9_500,
  suffix: '-most',
  counted: false,
});

function benchOf(name: string, kind: Kind): Bench {
  const { nodes, size } = kind;
  return {
    name,
    title: `tasks that wait in one worker, on ${nodes} nodes`,
    nodes,
    size,
    sizeMeans: 'tasks',
    repeats: 3,
    measure: (tools, how) => measure(kind, tools, how),
  };
}

async function measure(kind: Kind, tools: Tools, how: How): Promise<readonly Measured[]> {
  const metrics = `127.0.0.1:${await freePort()}`;
  const env = { HOLDFAST_METRICS_ADDRESS: metrics, HOLDFAST_MAX_TASKS: String(Math.max(2_000, how.size)) };
  const ground = await Ground.open(tools, { throughProxy: kind.counted, env });
  const traffic = kind.counted ? new Traffic(ground.stage.proxy) : undefined;
  try {
    await sleep(REST_MS);
    const idle = await samples(how, () => load(ground, traffic, metrics, REST_MS));
    await startAll(ground, how, taskOf(tools.image, ['sleep', '86400'], { timeout: '2d', gracePeriod: '1s' }));
    await sleep(SAMPLE_MS);
    const busy = await samples(how, () => load(ground, traffic, metrics, SAMPLE_MS));
    return measuredOf(kind, how.size, idle, busy, await onlookersMegabytes(ground));
  } finally {
    await ground.close();
  }
}

interface Load {
  readonly megabytes: number;
  /** A second. */
  readonly temporal: number;
  readonly kubernetes?: number;
  readonly watches?: number;
}

async function samples(how: How, take: () => Promise<Load>): Promise<readonly Load[]> {
  const taken: Load[] = [];
  for (let sample = 1; sample <= how.repeats; sample += 1) {
    taken.push(await take());
    how.tell(`sample ${sample} of ${how.repeats}: ${JSON.stringify(taken.at(-1))}`);
  }
  return taken;
}

async function startAll(ground: Ground, how: How, task: ReturnType<typeof taskOf>): Promise<void> {
  const names = Array.from({ length: how.size }, (_, index) => `w-${index}`);
  let started = 0;
  await paced(names, { atOnce: AT_ONCE }, async (name) => {
    const { job } = await ground.start(name, task);
    await ground.eyes.when(job, 'running');
    ground.eyes.forget(job);
    started += 1;
    if (started % 250 === 0) how.tell(`${started} of ${how.size} tasks run`);
  });
}

async function load(ground: Ground, traffic: Traffic | undefined, metrics: string, ms: number): Promise<Load> {
  const [requests = 0, calls, since] = [traffic?.requests, await temporalRequests(metrics), performance.now()];
  await sleep(ms);
  const seconds = (performance.now() - since) / 1_000;
  return {
    megabytes: residentMegabytes(ground.stage.worker.pid),
    temporal: ((await temporalRequests(metrics)) - calls) / seconds,
    ...(traffic && { kubernetes: (traffic.requests - requests) / seconds, watches: traffic.openWatches }),
  };
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

function measuredOf(
  { suffix, counted }: Kind,
  size: number,
  idle: readonly Load[],
  busy: readonly Load[],
  onlooker: number,
): readonly Measured[] {
  const tasks = `${size.toLocaleString('en')} waiting tasks${suffix === '-real' ? ', real node' : ''}`;
  const idleMegabytes = estimate(
    idle.map(({ megabytes }) => megabytes),
    50,
  );
  const of = (each: (load: Load) => number) => estimate(busy.map(each), 50);
  const lines: readonly [string, string, Unit, Estimate][] = [
    ['memory-idle', 'memory of a worker with nothing to do', 'MB', idleMegabytes],
    [
      'memory',
      `memory of a worker for each of ${tasks}`,
      'MB',
      of(({ megabytes }) => (megabytes - idleMegabytes.value) / size),
    ],
    [
      'memory-watched',
      `memory of another worker of the namespace, for each of ${tasks}`,
      'MB',
      exactly(Math.max(0, onlooker - idleMegabytes.value) / size),
    ],
    ['load-temporal', `requests to Temporal, ${tasks}`, 'a second', of(({ temporal }) => temporal)],
  ];
  const ofKubernetes: typeof lines = [
    ['load-kubernetes', `requests to Kubernetes, ${tasks}`, 'a second', of(({ kubernetes = 0 }) => kubernetes)],
    [
      'load-per-task',
      `both together, for each of ${tasks}`,
      'a second',
      of(({ temporal, kubernetes = 0 }) => (temporal + kubernetes) / size),
    ],
    ['watches', `watches of one worker, ${tasks}`, 'watches', exactly(busy.at(-1)?.watches ?? 0)],
  ];
  const all = counted ? [...lines, ...ofKubernetes] : lines;
  return all.map(([key, title, unit, ours]) => ({ key: `${key}${suffix}`, title, unit, ours }));
}
