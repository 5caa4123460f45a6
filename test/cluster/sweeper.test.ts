/** The sweeper as a process of its own, with nobody else alive to clean up, among much that is none of its business. */
import { randomUUID } from 'node:crypto';
import type { V1ConfigMap, V1Job, V1ObjectMeta, V1OwnerReference } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Stage } from '../../lab/stage/stage.ts';
import { fencedMetadata, LABEL, MANAGED_BY, ownedBy, taskLabel } from '../../src/fence.ts';
import type { SweepReport } from '../../src/sweeper/report.ts';
import { scheduleId } from '../../src/sweeper/schedule.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';
import type { Ended, Running } from '../program.ts';
import { Processes } from './processes.ts';
import { command, FOREVER, images, until } from './scene.ts';

let stage: Stage;
let busybox: string;
let temporalId: string;
let elsewhere: string;
let processes: Processes;

beforeAll(async () => {
  ({ busybox } = await images());
  // The worker's own sweeper is off: what goes, this one has removed.
  stage = await Stage.open({ workflowBundle: inject('workflowBundle'), env: { HOLDFAST_SWEEP_SECONDS: '0' } });
  processes = new Processes(stage, {
    HOLDFAST_SWEEP_SECONDS: '1',
    HOLDFAST_SWEEP_MIN_AGE_SECONDS: '1',
    HOLDFAST_SWEEP_MAX_PERCENT: '100',
  });
  temporalId = await namespaceId(stage.client.temporal);
  elsewhere = `${stage.namespace}-other`;
  await stage.core.createNamespace({ body: { metadata: { name: elsewhere } } });
});

afterAll(async () => {
  processes.end();
  await stage.core.deleteNamespace({ name: elsewhere });
  await stage.close();
});

/** `holdfast sweep`. */
function begin(words: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  return processes.holdfast(['sweep', ...words], env);
}

async function sweepOnce(
  more: NodeJS.ProcessEnv = {},
  ...words: readonly string[]
): Promise<Ended & { report: SweepReport }> {
  const ended = await begin(['--once', '--json', ...words], more).ended;
  return { ...ended, report: JSON.parse(ended.out) as SweepReport };
}

/** A task that Temporal knows as terminated, and no worker ever saw. */
async function closedTask(): Promise<string> {
  const taskId = `closed-${randomUUID()}`;
  const { workflow } = stage.client.temporal;
  const handle = await workflow.start('runTask', {
    args: [command(busybox, 'true')],
    workflowId: taskId,
    taskQueue: `${taskId}-nobody`,
  });
  await handle.terminate('a test wants it closed');
  return taskId;
}

interface Planting {
  readonly temporal?: string;
  readonly namespace?: string;
  readonly job?: boolean;
}

/** What a run leaves: its anchor and, unless it is said otherwise, its Job, which was never started. */
async function plant(
  taskId: string,
  { temporal = temporalId, namespace = stage.namespace, job = true }: Planting = {},
): Promise<string> {
  const metadata = fencedMetadata(temporal, { taskId, runId: 'r', attempt: 1 }, 'command', 'hash');
  const anchor = await stage.core.createNamespacedConfigMap({ namespace, body: { metadata } });
  const owner = ownedBy({ name: metadata.name, uid: anchor.metadata?.uid ?? '' });
  if (job) await stage.batch.createNamespacedJob({ namespace, body: suspended(metadata, owner) });
  return metadata.name;
}

function suspended(metadata: V1ObjectMeta, owner?: V1OwnerReference): V1Job {
  return {
    metadata: { ...metadata, ...(owner && { ownerReferences: [owner] }) },
    spec: {
      suspend: true,
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: busybox }] } },
    },
  };
}

/** uids of everything that stands, by kind and name. */
async function standing(namespace = stage.namespace): Promise<Readonly<Record<string, string>>> {
  const anchors = await stage.core.listNamespacedConfigMap({ namespace });
  const jobs = await stage.batch.listNamespacedJob({ namespace });
  const uids = (kind: string, items: readonly (V1ConfigMap | V1Job)[]) =>
    items.flatMap(({ metadata }) =>
      metadata?.deletionTimestamp === undefined ? [[`${kind}/${metadata?.name}`, metadata?.uid ?? '']] : [],
    );
  return Object.fromEntries([...uids('anchor', anchors.items), ...uids('job', jobs.items)]) as Record<string, string>;
}

/** What the sweeper must leave alone, each by one thing that is not as it would be with an orphan of ours. */
async function placeBystanders(): Promise<void> {
  const { namespace, batch, core } = stage;
  const job = (metadata: V1ObjectMeta, owner?: V1OwnerReference) =>
    batch.createNamespacedJob({ namespace, body: suspended(metadata, owner) });
  await job({ name: 'plain' });
  await job({ name: 'only-the-label', labels: { [LABEL.managedBy]: MANAGED_BY } });
  await core.createNamespacedConfigMap({
    namespace,
    body: { metadata: { name: 'only-the-label', labels: { [LABEL.managedBy]: MANAGED_BY } } },
  });
  const taskId = await closedTask();
  const run = (attempt: number) => fencedMetadata(temporalId, { taskId, runId: 'r', attempt }, 'command', 'hash');
  const { annotations: _, ...unannotated } = run(1);
  await job({ ...unannotated, name: unannotated.name });
  const somebody = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'somebodys' } } });
  await job(run(2), ownedBy({ name: 'somebodys', uid: somebody.metadata?.uid ?? '' }));
  await job({ ...run(3), name: 'a-copy' });
  await plant(taskId, { temporal: randomUUID() });
  await plant(taskId, { namespace: elsewhere });
  const labels = { ...run(4).labels, [LABEL.task]: taskLabel(temporalId, 'another') };
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { ...run(4), labels } } });
}

describe('among bystanders', () => {
  let before: Readonly<Record<string, string>>;
  let abroad: Readonly<Record<string, string>>;
  let planted: readonly string[];

  beforeAll(async () => {
    await placeBystanders();
    before = await standing();
    abroad = await standing(elsewhere);
    planted = [await plant(await closedTask()), await plant(`never-started-${randomUUID()}`, { job: false })];
  });

  it('leaves everything as it is, and says what it keeps, while it is young', async () => {
    const all = await standing();
    const { exit, report } = await sweepOnce({ HOLDFAST_SWEEP_MIN_AGE_SECONDS: '3600' });
    expect(exit).toBe(0);
    expect(report).toMatchObject({ removed: [], suspects: [], kept: { 'too young': 2, 'of another Temporal': 1 } });
    expect(await standing()).toEqual(all);
  });

  it('removes nothing in a dry run, and names exactly what it would', async () => {
    const all = await standing();
    const { exit, report } = await sweepOnce({}, '--dry-run');
    expect([exit, report.removed]).toEqual([0, []]);
    expect(report.suspects.map(({ run, looks }) => `${run} ${looks}`).toSorted()).toEqual(
      planted.map((run) => `${run} 2`).toSorted(),
    );
    expect(report.kept).toMatchObject({ 'of another Temporal': 1, 'not ours': 6 });
    expect(await standing()).toEqual(all);
    const { out } = await begin(['--once', '--dry-run']).ended;
    for (const run of planted) expect(out).toContain(`would remove ${run}`);
  });

  it('removes a closed task’s Job and anchor, and a late anchor, and nothing else', async () => {
    const { exit, report } = await sweepOnce();
    expect(exit).toBe(0);
    const removed = report.removed.map(({ run, reason, kinds }) => `${run}: ${reason}, ${kinds.toSorted().join()}`);
    const [closed, late] = planted;
    const expected = [`${closed}: task closed, anchor,job`, `${late}: task absent, anchor`];
    expect(removed.toSorted()).toEqual(expected.toSorted());
    expect(await standing()).toEqual(before);
    expect(await standing(elsewhere)).toEqual(abroad);
    expect((await sweepOnce()).report).toMatchObject({ removed: [], suspects: [] });
  });

  it('sees a planted orphan soon, without waiting for its interval', async () => {
    const { child, heard, ended } = begin(['--json'], { HOLDFAST_SWEEP_SECONDS: '3600', HOLDFAST_SWEEP_SECOND: '1' });
    await until('its first look', () => heard.out.includes('"at all"'));
    await plant(await closedTask());
    await until('it is gone', async () => JSON.stringify(await standing()) === JSON.stringify(before), 60);
    await until('the report', () => heard.out.split('\n').some((line) => line.includes('"soon"')));
    child.kill('SIGTERM');
    const { exit, out } = await ended;
    expect(heard.err).toContain('Not known, and without effect: HOLDFAST_SWEEP_SECOND.');
    const reports = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as SweepReport);
    expect([exit, reports.map(({ looked, removed }) => [looked, removed.length])]).toEqual([
      0,
      [
        ['at all', 0],
        ['soon', 1],
      ],
    ]);
  });
});

describe('it refuses, and removes nothing', () => {
  let all: Readonly<Record<string, string>>;
  let orphans: readonly string[];

  beforeAll(async () => {
    const taskIds = Array.from({ length: 10 }, () => `never-started-${randomUUID()}`);
    orphans = await Promise.all(taskIds.map((taskId) => plant(taskId, { job: false })));
    all = await standing();
  });

  it.each([
    ['Temporal does not answer', { TEMPORAL_ADDRESS: '127.0.0.1:1' }, 5, 'TEMPORAL_UNREACHABLE'],
    ['Temporal has no such namespace', { TEMPORAL_NAMESPACE: 'no-such-namespace' }, 2, 'CONFIG_INVALID'],
    ['more than the stated share would go', { HOLDFAST_SWEEP_MAX_PERCENT: '50' }, 1, 'SWEEP_REFUSED'],
  ])('when %s', async (_, env, code, because) => {
    const { exit, report } = await sweepOnce(env);
    expect([exit, report.refused?.because, report.removed]).toEqual([code, because, []]);
    expect(await standing()).toEqual(all);
    const { out } = await begin(['--once'], env).ended;
    expect(out).toContain('Nothing was removed: ');
    expect(out).toMatch(/^next: [A-Z]/m);
  });

  it('until it is allowed to; and two at once do no harm', async () => {
    const both = await Promise.all([sweepOnce(), sweepOnce()]);
    expect(both.map(({ exit }) => exit)).toEqual([0, 0]);
    const removed = both.flatMap(({ report }) => report.removed.map(({ run }) => run));
    expect([...new Set(removed)].toSorted()).toEqual(orphans.toSorted());
    expect(Object.keys(await standing())).toHaveLength(Object.keys(all).length - orphans.length);
  });
});

describe('with no worker alive', () => {
  const podsOf = async (taskId: string) => (await stage.remains(taskId)).pods.map(({ status }) => status?.phase);
  async function running(): Promise<string> {
    const { taskId } = await stage.client.start(command(busybox, FOREVER));
    await until('it runs', async () => (await podsOf(taskId)).includes('Running'));
    return taskId;
  }

  it('ends what Terminate left running, and leaves a Job that a Reset lets the next run adopt', async () => {
    await stage.startWorker();
    const [left, adopted] = await Promise.all([running(), running()]);
    await stage.worker.end('SIGKILL');
    const { workflow, workflowService, options } = stage.client.temporal;
    await workflow.getHandle(left).terminate('nobody is there');
    const handle = workflow.getHandle(adopted);
    const { runId } = await handle.describe();
    const { events } = await handle.fetchHistory();
    const first = events?.find(({ workflowTaskCompletedEventAttributes: a }) => a)?.eventId ?? null;
    await workflowService.resetWorkflowExecution({
      namespace: options.namespace,
      workflowExecution: { workflowId: adopted, runId },
      reason: 'a test wants another run',
      workflowTaskFinishEventId: first,
      requestId: randomUUID(),
    });
    const { report } = await sweepOnce();
    expect(report.removed).toMatchObject([{ taskId: left, reason: 'task closed' }]);
    expect(report.removed[0]?.kinds.toSorted()).toEqual(['anchor', 'job', 'pods']);
    expect(await stage.remains(left)).toEqual({ anchors: [], jobs: [], pods: [] });
    expect(await podsOf(adopted)).toEqual(['Running']);
    await stage.startWorker();
    await stage.client.cancel(adopted);
  });
});

describe('on a Temporal Schedule', () => {
  it('is made, sweeps on a worker when it is triggered, and is removed on request', async () => {
    const run = await plant(await closedTask());
    const schedule = scheduleId(stage.config.taskQueue);
    const made = await begin(['--schedule', '1d', '--json']).ended;
    expect([made.exit, JSON.parse(made.out)]).toEqual([0, { schedule, everySeconds: 86_400 }]);
    expect((await begin(['--schedule', '1h']).ended).exit).toBe(0);
    const handle = stage.client.temporal.schedule.getHandle(schedule);
    expect((await handle.describe()).spec.intervals).toMatchObject([{ every: 3_600_000 }]);
    await handle.trigger();
    await until('it is gone', async () => !Object.keys(await standing()).some((name) => name.includes(run)));
    const removed = await begin(['--unschedule']).ended;
    expect(removed).toMatchObject({ exit: 0, out: `Schedule ${schedule} is removed.\n` });
    expect((await begin(['--unschedule']).ended).out).toContain('There is no schedule');
  });
});
