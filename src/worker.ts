/** The only place where parts are joined: config, Kubernetes, activities, the workflow bundle, shutdown. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import {
  bundleWorkflowCode,
  NativeConnection,
  Worker,
  type WorkerOptions,
  type WorkflowBundleOption,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Deps } from './activities/deps.ts';
import { Followed } from './activities/followed.ts';
import { createActivities } from './activities/index.ts';
import { releaseRun } from './activities/release-run.ts';
import { Room } from './activities/room.ts';
import { type Config, readConfig } from './config.ts';
import { followQueue } from './contract.ts';
import { HoldfastError } from './errors.ts';
import { taskLabel } from './fence.ts';
import { JobsApi } from './kubernetes/jobs-api.ts';
import { loadKubeConfig } from './kubernetes/kube-config.ts';
import { RunWatch } from './kubernetes/run-watch.ts';
import { createLimitActivities } from './limits/activities.ts';
import { limiterOf } from './limits/contract.ts';
import { tellFreed } from './limits/tell-freed.ts';
import { Collector } from './logs/collector.ts';
import { keepPruning, type Pruning } from './logs/prune.ts';
import { LogStore } from './logs/store.ts';
import { createSweepActivities } from './sweeper/activity.ts';
import { keepSweeping } from './sweeper/keep-sweeping.ts';
import { countsOf, logReport, type SweepReport } from './sweeper/report.ts';
import { Sweeper } from './sweeper/sweeper.ts';
import { createLogger, createMetrics, installRuntime, tellUnknownVariables, temporalLogger } from './telemetry.ts';
import { askStanding } from './task-standing.ts';
import { together } from './together.ts';
import { namespaceId } from './temporal-namespace.ts';
import { Unreleased } from './unreleased.ts';

/** Between two updates of the numbers that change by themselves. Milliseconds. */
const AGE_MS = 2_000;
/**
 * Small buffers are cut from one of this size, which stays while one of them is kept; the SDK keeps one for each workflow in
 * memory. Node has eight times as much.
 */
const POOL_BYTES = 8 * 1024;
/**
 * A workflow in memory is about 0.05 MB, and one that was terminated stays until its place is needed. One that is not there is
 * had from its history again in a few milliseconds.
 */
export const CACHED_WORKFLOWS = 600;
/** How long Temporal may take to say how a task stands whose output is old. Milliseconds. */
const ANSWER_MS = 5_000;

/** How long a worker that has failed, and whose other half has stopped, may take to end. Milliseconds. */
const LINGER_MS = 5_000;

/**
 * Slots for what is not a long wait. Release waits for its Pods: when many are cancelled at once, all of them wait side by
 * side. What is followed at once has slots beyond these, as many as it may take.
 */
const SHORT = 1_000;

/** Of what there is none on that queue; the SDK wants a slot of each kind. */
const NONE = { type: 'fixed-size', numSlots: 1 } as const;

export interface HoldfastWorker {
  /** Resolves when the worker has stopped; rejects if it failed. */
  readonly run: () => Promise<void>;
  /** Stops taking work; what runs is handed back to Temporal. */
  readonly stop: () => void;
}

/** A worker for everything of Holdfast: on one queue all but the long waits that it has no room for, which come by another. */
export async function createWorker(config: Config, logger: Logger): Promise<HoldfastWorker> {
  const connection = await connect(config);
  const client = new Client({ connection, namespace: config.temporal.namespace });
  const stopping = new AbortController();
  const { deps, close } = await createDeps(config, logger, client, stopping.signal);
  const onReport = (report: SweepReport) => {
    logReport(logger, report);
    deps.metrics.swept(countsOf(report));
    deps.unreleased.suspect(report.suspects.map(({ run }) => run));
  };
  const activities = {
    ...createActivities(deps),
    ...createLimitActivities(deps, client),
    ...createSweepActivities(() => sweeperOf(deps, client, config, true), config.sweepSeconds, onReport),
  };
  const shared: Shared = { connection, namespace: config.temporal.namespace, activities };
  const tasks = await tasksWorker(shared, config, logger);
  const follows = await followsWorker(shared, config, deps);
  const over = new AbortController();
  const stop = () => {
    stopping.abort(new Error('the worker stops'));
    for (const worker of [tasks, follows]) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const work = () => together([() => tasks.run(), () => follows.run()], stop).finally(() => over.abort());
  const sweep = () =>
    keepSweeping(
      { sweeper: sweeperOf(deps, client, config), watch: deps.watch, everySeconds: config.sweepSeconds, onReport },
      over.signal,
    );
  const prune = () => keepPruning(pruningOf(deps, client, config), over.signal);
  return {
    run: async () => {
      const aging = setInterval(() => {
        deps.metrics.oldestUnreleased(deps.unreleased.oldest());
        deps.metrics.followSlotsFree(Math.max(0, config.maxTasks - deps.followed.size));
      }, AGE_MS);
      try {
        await together([work, sweep, prune], stop);
      } finally {
        clearInterval(aging);
        await close();
        await connection.close();
      }
    },
    stop,
  };
}

type Shared = Pick<WorkerOptions, 'connection' | 'namespace' | 'activities'>;

async function tasksWorker(shared: Shared, config: Config, logger: Logger): Promise<Worker> {
  return Worker.create({
    ...shared,
    taskQueue: config.taskQueue,
    workflowBundle: await workflowBundle(config.workflowBundle, logger),
    // A cancel reaches a running activity in the answer to a heartbeat; this is the longest it waits for one.
    maxHeartbeatThrottleInterval: '300ms',
    // How long a cancel waits for the worker that has the workflow in memory, if that one is dead.
    stickyQueueScheduleToStartTimeout: '3s',
    shutdownGraceTime: '10s',
    maxConcurrentActivityTaskExecutions: SHORT + config.maxTasks,
    maxCachedWorkflows: CACHED_WORKFLOWS,
  });
}

function followsWorker(shared: Shared, config: Config, { room }: Deps): Promise<Worker> {
  return Worker.create({
    ...shared,
    taskQueue: followQueue(config.taskQueue),
    maxHeartbeatThrottleInterval: '1s',
    tuner: {
      workflowTaskSlotSupplier: NONE,
      activityTaskSlotSupplier: room,
      localActivityTaskSlotSupplier: NONE,
      nexusTaskSlotSupplier: NONE,
    },
    // Each keeps a place while it asks, and the SDK one more. (It does not heed maxConcurrentActivityTaskPolls here.)
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 2 },
  });
}

/** The worker's sweeper releases as its activities do: what a run wrote is kept. */
function sweeperOf(deps: Deps, client: Client, config: Config, isThorough = false): Sweeper {
  return new Sweeper({
    api: deps.api,
    client,
    taskQueue: config.taskQueue,
    remove: (run, _, signal, options) => releaseRun(deps, run, signal, options),
    isTended: (run) => deps.followed.has(run) || deps.unreleased.isReleasing(run),
    rules: config.sweepRules,
    isThorough,
    temporalNamespaceId: deps.temporalNamespaceId,
  });
}

function pruningOf({ logs, log, temporalNamespaceId }: Deps, client: Client, config: Config): Pruning {
  return {
    store: logs,
    hours: config.logRetentionHours,
    standingOf: (taskId) => client.withDeadline(Date.now() + ANSWER_MS, () => askStanding(client, taskId)),
    labelOf: (taskId) => taskLabel(temporalNamespaceId, taskId),
    onPruned: (runs) => {
      if (runs > 0) log.info({ runs }, 'old output was removed');
    },
    onError: (error) => log.warn({ error: String(error) }, 'old output was not looked through; in an hour again'),
  };
}

/** The bundle that was named, or that `npm run build` made, if there is one; else made now, in about a second. */
async function workflowBundle(named: string | undefined, logger: Logger): Promise<WorkflowBundleOption> {
  const built = named ?? fileURLToPath(new URL('./workflow-bundle.js', import.meta.url));
  if (named !== undefined || existsSync(built)) return { codePath: built };
  return bundleWorkflows(logger);
}

/** Makes the bundle of all workflows, with the interceptors they need. */
export function bundleWorkflows(logger: Logger): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    logger: temporalLogger(logger),
    workflowsPath: sibling('./workflows/index'),
    workflowInterceptorModules: [sibling('./workflows/cancel-reason')],
  });
}

/** From source the modules are .ts, from dist .js; the bundler wants the real path. */
function sibling(path: string): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`${path}${extension}`, import.meta.url));
}

async function createDeps(
  config: Config,
  logger: Logger,
  client: Client,
  stopping: AbortSignal,
): Promise<{ deps: Deps; close: () => Promise<void> }> {
  const temporalNamespaceId = await namespaceId(client);
  const kube = loadKubeConfig(config.kubernetes);
  const { namespace, deadlineMs } = config.kubernetes;
  const api = new JobsApi(kube, { namespace, deadlineMs });
  const watch = new RunWatch(kube, namespace, { warn: (message, fields) => logger.warn(fields, message) });
  const logs = new LogStore(config.logDir);
  const collector = new Collector(api, logs, ({ run, pod, container }, error) =>
    logger.warn({ jobName: run.run, pod, container, error: String(error) }, 'output could not be stored'),
  );
  await watch.start();
  const deps = {
    api,
    watch,
    logs,
    collector,
    log: logger,
    metrics: createMetrics(logger),
    unreleased: new Unreleased(),
    followed: new Followed(),
    room: new Room(config.maxTasks),
    taskQueue: config.taskQueue,
    stopping,
    temporalNamespaceId,
    pythonImage: config.pythonImage,
    limits: config.limits && { limiter: limiterOf(config.taskQueue), most: config.limits },
    queue: config.kueueQueue,
    tellFreed: (limiter: string, run: string) => tellFreed(client, limiter, run),
  };
  const close = async () => {
    collector.close();
    watch.stop();
  };
  return { deps, close };
}

async function connect(config: Config): Promise<NativeConnection> {
  const { connectionOptions } = config.temporal;
  return NativeConnection.connect(connectionOptions).catch((error: unknown) => {
    const address = connectionOptions.address ?? 'localhost:7233';
    throw new HoldfastError('TEMPORAL_UNREACHABLE', `Temporal does not answer at ${address}.`, {}, { cause: error });
  });
}

async function main(): Promise<void> {
  Buffer.poolSize = POOL_BYTES;
  const config = readConfig();
  const logger = createLogger(config.logLevel);
  installRuntime(config, logger);
  tellUnknownVariables(logger);
  const worker = await createWorker(config, logger);
  process.once('SIGTERM', worker.stop);
  process.once('SIGINT', worker.stop);
  const stopped = worker.run();
  // Said at every log level: whoever started the worker waits for it.
  const ready = { taskQueue: config.taskQueue, namespace: config.kubernetes.namespace };
  logger.child({}, { level: 'info' }).info(ready, 'worker ready');
  await stopped;
  logger.info('worker stopped');
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    const next = error instanceof HoldfastError ? ` ${error.next}` : '';
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}${next}\n`);
    process.exitCode = error instanceof HoldfastError ? 2 : 1;
    // A process that does not work must not stay, whatever still holds it: who watches over it starts another.
    setTimeout(() => process.exit(), LINGER_MS).unref();
  });
}
