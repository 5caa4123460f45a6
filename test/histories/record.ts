/**
 * Records the histories that test/workflow/replay.test.ts replays: real tasks, on the Temporal and the cluster that
 * are up, with a worker on a queue and in a namespace of its own. Record again when what the workflow does is meant to
 * change, and keep the old files as long as tasks of the old kind may be running:
 *
 *     npm run up && npx node test/histories/record.ts [NAME…]
 *
 * Without names all of them.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchV1Api, CoreV1Api, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { until as untilWithin } from '../../lab/stage/until.ts';
import { HoldfastClient } from '../../src/client.ts';
import { type Config, readConfig } from '../../src/config.ts';
import type { Task } from '../../src/contract.ts';
import { limiterOf } from '../../src/limits/contract.ts';
import { loadKubeConfig } from '../../src/kubernetes/kube-config.ts';
import { createLogger, temporalLogger } from '../../src/telemetry.ts';
import { createWorker } from '../../src/worker.ts';
import { toFile } from './recorded.ts';

const BUSYBOX = process.env['HOLDFAST_BUSYBOX_IMAGE'] ?? 'holdfast.local/busybox:1.35';
const FOREVER = 'trap "exit 143" TERM; echo began; sleep 600 & wait';

type Scenario = (client: HoldfastClient, id: string, config: Config) => Promise<void>;

/** Each leaves one task behind whose latest run is the history. */
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  succeeded: (client, id) => runToItsEnd(client, id, shell('echo kept; sleep 1')),
  failed: (client, id) => runToItsEnd(client, id, shell('echo the disk is full >&2; exit 3')),
  refused: async (client, id, { taskQueue }) => {
    const args = [{ workload: 'command', image: 'two words' }];
    await client.temporal.workflow.start('runTask', { args, workflowId: id, taskQueue });
    await client.result(id);
  },
  deadline: (client, id) => runToItsEnd(client, id, { ...shell(FOREVER), timeout: '3s' }),
  evaluation: (client, id) => runToItsEnd(client, id, SUITE),
  'cancelled-running': async (client, id) => {
    await client.start(shell(FOREVER), { id });
    await untilRuns(client, id);
    await client.cancel(id, { reason: 'budget is spent' });
  },
  'reset-while-running': async (client, id) => {
    await client.start(shell('sleep 4'), { id });
    await untilRuns(client, id);
    await reset(client, id, 'anchor');
    await client.result(id);
  },
  // The platform takes its Pod away, and it runs anew; then it is cancelled.
  retried: async (client, id, { kubernetes }) => {
    const { namespace } = kubernetes;
    const core = loadKubeConfig(kubernetes).makeApiClient(CoreV1Api);
    const runs = async () => (await client.describe(id)).pod?.phase === 'Running';
    await client.start({ ...shell(FOREVER), retries: 1 }, { id });
    await until(`${id} runs`, runs);
    const name = (await client.describe(id)).pod?.name ?? '';
    await core.createNamespacedPodEviction({ name, namespace, body: { metadata: { name } } });
    await until(`${id} runs anew`, async () => (await client.describe(id)).retried !== undefined && runs());
    await client.cancel(id);
  },
  // What the old run made is gone when the new one goes on: its anchor is lost, and it provisions another.
  'anchor-lost': async (client, id) => {
    await runToItsEnd(client, id, shell('sleep 1'));
    await reset(client, id, 'anchor');
    await client.result(id);
  },
  // The same, found out while the Job that is not there any more is followed.
  'job-lost': async (client, id) => {
    await runToItsEnd(client, id, shell('sleep 1'));
    await reset(client, id, 'start');
    await client.result(id);
  },
};

/** The history of the limiter, beside that of what it let in. */
const LIMITER = 'limiter';

interface Apart {
  readonly needs: Partial<Config>;
  readonly play: Scenario;
}

/** Each leaves its task in a queue of its own, with a worker of its own: what it needs is the worker's. */
const APART: Readonly<Record<string, Apart>> = {
  limited: { needs: { limits: { running: 1 } }, play: limited },
  // Kueue is played: the task is preempted, and cancelled when it is queued again.
  kueue: { needs: { kueueQueue: 'team-a' }, play: queuedByKueue },
  // Its worker has no room to follow it, until another is cancelled.
  'no-room': { needs: { maxTasks: 1 }, play: followedInTurn },
};

/** With no worker alive when the cancel comes. */
const BEFORE_START = 'cancelled-before-start';

const SUITE: Task = {
  workload: 'evaluation',
  problems: {
    jsonl: JSON.stringify({
      task_id: 'add',
      prompt: 'def add(a, b):\n',
      entry_point: 'add',
      test: 'def check(f):\n    assert f(1, 2) == 3\n',
    }),
  },
  samples: {
    jsonl: ['    return a + b', '    return a - b']
      .map((completion) => JSON.stringify({ task_id: 'add', completion }))
      .join('\n'),
  },
  resources: { cpu: '200m', memory: '128Mi' },
};

function shell(script: string): Task {
  return {
    workload: 'command',
    image: BUSYBOX,
    command: ['sh', '-c', script],
    resources: { cpu: '50m', memory: '32Mi', tmp: '1Mi' },
    gracePeriod: '1s',
  };
}

async function runToItsEnd(client: HoldfastClient, id: string, task: Task): Promise<void> {
  await client.start(task, { id });
  await client.result(id);
}

/** Back to the workflow task that follows the completion of this activity. */
async function reset(client: HoldfastClient, workflowId: string, after: string): Promise<void> {
  const handle = client.temporal.workflow.getHandle(workflowId);
  const { runId } = await handle.describe();
  const events = (await handle.fetchHistory()).events ?? [];
  const scheduled = events.find((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === after);
  const completed = events.findIndex(
    (event) => String(event.activityTaskCompletedEventAttributes?.scheduledEventId) === String(scheduled?.eventId),
  );
  const point = events.slice(completed).find((event) => event.workflowTaskCompletedEventAttributes);
  await client.temporal.workflowService.resetWorkflowExecution({
    namespace: client.temporal.options.namespace,
    workflowExecution: { workflowId, runId },
    reason: 'recording',
    workflowTaskFinishEventId: point?.eventId ?? null,
    requestId: randomUUID(),
  });
}

async function apart(base: Config, scenario: string, logger: Logger, { needs, play }: Apart): Promise<void> {
  const config = { ...base, ...needs, taskQueue: `${base.taskQueue}-${scenario}` };
  const client = await HoldfastClient.connect(config);
  const worker = await createWorker(config, logger);
  const stopped = worker.run();
  const id = `${scenario}-${base.taskQueue}`;
  try {
    await play(client, id, config);
    await keep(client, scenario, id);
  } finally {
    worker.stop();
    await stopped;
    await client.close();
  }
}

/** Waits until another is cancelled, which runs first. */
async function limited(client: HoldfastClient, id: string, { taskQueue }: Config): Promise<void> {
  const first = await runningFirst(client, id);
  await client.start(shell('echo kept'), { id, priority: 1 });
  await until(`${id} waits`, async () => (await client.describe(id)).phase === 'queued');
  await client.cancel(first);
  await client.result(id);
  // It ends by itself when it has looked, and found that nobody holds a slot.
  await client.temporal.workflow.getHandle(limiterOf(taskQueue)).result();
  await keep(client, LIMITER, limiterOf(taskQueue));
}

async function followedInTurn(client: HoldfastClient, id: string): Promise<void> {
  const first = await runningFirst(client, id);
  await client.start(shell('echo kept'), { id });
  const isInTurn = async () => {
    const { raw } = await client.temporal.workflow.getHandle(id).describe();
    return raw.pendingActivities?.some(({ activityType }) => activityType?.name === 'follow') === true;
  };
  await until(`${id} waits to be followed`, isInTurn);
  await client.cancel(first);
  await client.result(id);
}

async function runningFirst(client: HoldfastClient, id: string): Promise<string> {
  const first = `first-${id}`;
  await client.start(shell(FOREVER), { id: first });
  await untilRuns(client, first);
  return first;
}

async function queuedByKueue(client: HoldfastClient, id: string, { kubernetes }: Config): Promise<void> {
  const { namespace } = kubernetes;
  const batch = loadKubeConfig(kubernetes).makeApiClient(BatchV1Api);
  const suspend = async (value: boolean) => {
    const body = { spec: { suspend: value } };
    const { name: job = '' } = (await client.describe(id)).job ?? {};
    const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
    await batch.patchNamespacedJob({ namespace, name: job, body }, merge);
  };
  const waits = async () => {
    const { phase, job } = await client.describe(id);
    return phase === 'queued' && job !== undefined;
  };
  await client.start({ ...shell(FOREVER), retries: 1 }, { id });
  await until(`${id} waits`, waits);
  await suspend(false);
  await untilRuns(client, id);
  await suspend(true);
  await until(`${id} waits again`, async () => (await client.describe(id)).retried !== undefined && waits());
  await client.cancel(id);
}

function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  return untilWithin(what, holds, 60);
}

function untilRuns(client: HoldfastClient, id: string): Promise<void> {
  return until(`${id} runs`, async () => (await client.describe(id)).pod?.phase === 'Running');
}

async function keep(client: HoldfastClient, name: string, workflowId: string): Promise<void> {
  const history = await client.temporal.workflow.getHandle(workflowId).fetchHistory();
  await writeFile(join(import.meta.dirname, `${name}.json`), toFile({ workflowId, history }));
  process.stdout.write(`${name}: ${history.events?.length} events\n`);
}

async function main(names: readonly string[]): Promise<void> {
  const isMeant = (name: string) => names.length === 0 || names.includes(name);
  const base = readConfig();
  const logger = createLogger('warn');
  Runtime.install({ logger: temporalLogger(logger), shutdownSignals: [] });
  const core = loadKubeConfig(base.kubernetes).makeApiClient(CoreV1Api);
  const name = `hf-record-${randomUUID().slice(0, 8)}`;
  const logDir = await mkdtemp(join(tmpdir(), 'holdfast-record-'));
  const config = { ...base, kubernetes: { ...base.kubernetes, namespace: name }, taskQueue: name, logDir };
  const client = await HoldfastClient.connect(config);
  await core.createNamespace({ body: { metadata: { name } } });
  try {
    const early = `${BEFORE_START}-${name}`;
    await client.start(shell(FOREVER), { id: early });
    await client.cancel(early, { reason: 'changed my mind', wait: false });
    const worker = await createWorker(config, logger);
    const stopped = worker.run();
    try {
      await client.result(early);
      if (isMeant(BEFORE_START)) await keep(client, BEFORE_START, early);
      for (const [scenario, run] of Object.entries(SCENARIOS).filter(([name]) => isMeant(name))) {
        await run(client, `${scenario}-${name}`, config);
        await keep(client, scenario, `${scenario}-${name}`);
      }
      for (const [scenario, each] of Object.entries(APART).filter(([name]) => isMeant(name)))
        await apart(config, scenario, logger, each);
    } finally {
      worker.stop();
      await stopped;
    }
  } finally {
    await core.deleteNamespace({ name });
    await client.close();
    await rm(logDir, { recursive: true, force: true });
  }
}

await main(process.argv.slice(2));
