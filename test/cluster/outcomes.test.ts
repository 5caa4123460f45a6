/** Every ending is told with its code, in seconds, in the same words by client and by Temporal; and leaves nothing. */
import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandTask, Problem, Task } from '../../src/contract.ts';
import { LIMITS } from '../../src/contract.ts';
import { command, FOREVER, images, openScene, type Scene, until } from './scene.ts';

let scene: Scene;
let busybox: string;

beforeAll(async () => {
  ({ busybox } = await images());
  scene = await openScene();
  await scene.startWorker();
});
afterAll(() => scene.close());

const nothing = { anchors: [], jobs: [], pods: [] };

async function problemOf(task: Task): Promise<Problem> {
  const { taskId } = await scene.client.start(task);
  const outcome = await scene.client.result(taskId);
  expect(await scene.remains(taskId)).toEqual(nothing);
  if (outcome.outcome !== 'failed') throw new Error(`${taskId}: ${JSON.stringify(outcome)}`);
  expect((await scene.client.describe(taskId)).problem).toEqual(outcome.problem);
  return outcome.problem;
}

const bare = (more: Partial<CommandTask>): Task => command(busybox, 'true', more);

/** A task that does not end by itself, with the names of its Job and its Pod. */
async function running(): Promise<{ readonly taskId: string; readonly job: string; readonly pod: string }> {
  const { taskId } = await scene.client.start(command(busybox, FOREVER));
  await until('it runs', async () => (await scene.client.describe(taskId)).pod?.phase === 'Running');
  const { jobs, pods } = await scene.remains(taskId);
  return { taskId, job: jobs[0]?.metadata?.name ?? '', pod: pods[0]?.metadata?.name ?? '' };
}

async function deleteInBackground(name: string): Promise<void> {
  await scene.batch.deleteNamespacedJob({
    name,
    namespace: scene.namespace,
    body: { propagationPolicy: 'Background' },
  });
}

describe('a task that fails says', () => {
  it('its exit code, and its last words', async () => {
    const problem = await problemOf(command(busybox, 'echo the disk is full >&2; exit 3'));
    expect(problem).toMatchObject({ code: 'EXIT_CODE', facts: { exitCode: 3 } });
    expect(problem.message).toContain('the disk is full');
  });

  it('that it ran out of memory, with limit and peak', async () => {
    const problem = await problemOf(
      bare({ command: ['tail', '/dev/zero'], resources: { cpu: '50m', memory: '16Mi' } }),
    );
    expect(problem).toMatchObject({ code: 'OUT_OF_MEMORY', facts: { limit: '16Mi', peak: 'at least 16Mi' } });
  });

  it('that its image cannot be pulled, and which', async () => {
    const image = 'holdfast.local/no-such-image:1';
    expect(await problemOf(command(image, 'true'))).toMatchObject({ code: 'IMAGE_UNAVAILABLE', facts: { image } });
  });

  it('that no node could ever run it, and for want of what', async () => {
    const problem = await problemOf(bare({ resources: { cpu: '200', memory: '32Mi' } }));
    expect(problem).toMatchObject({ code: 'UNSCHEDULABLE', facts: { resource: 'cpu', requested: '200' } });
  });

  it('that its command is not in the image', async () => {
    expect(await problemOf(bare({ command: ['/no/such/program'] }))).toMatchObject({ code: 'CONTAINER_CANNOT_START' });
  });

  it('that it did not end in time', async () => {
    expect(await problemOf(command(busybox, FOREVER, { timeout: '3s' }))).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('that its input is no task, with every field that is wrong, before anything is made', async () => {
    const handle = await scene.client.temporal.workflow.start('runTask', {
      args: [{ workload: 'command', image: 'two words', timeout: '-1s' }],
      taskQueue: scene.config.taskQueue,
      workflowId: `bad-input-${Date.now()}`,
    });
    const problem = (await scene.client.result(handle.workflowId)) as { problem: Problem };
    expect(problem.problem.code).toBe('INPUT_INVALID');
    expect(problem.problem.message).toMatch(/image[\s\S]*timeout/);
  });

  it('that somebody deleted its Job', async () => {
    const { taskId, job } = await running();
    await deleteInBackground(job);
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'failed', problem: { code: 'JOB_DELETED' } });
    // Deleted in the background, the Job was gone before its Pod: the ended Pod's object follows by the collector's hand.
    await until('nothing is left', async () => (await scene.remains(taskId)).pods.length === 0);
    expect(await scene.remains(taskId)).toEqual(nothing);
  });

  it('that somebody deleted its Job, though a finalizer keeps the ended Pod', async () => {
    const { taskId, job, pod } = await running();
    const keep = (finalizers: readonly string[] | null) =>
      scene.core.patchNamespacedPod(
        { name: pod, namespace: scene.namespace, body: { metadata: { finalizers } } },
        setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
      );
    await keep(['holdfast.dev/kept-by-a-test']);
    await deleteInBackground(job);
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'failed', problem: { code: 'JOB_DELETED' } });
    expect((await scene.remains(taskId)).pods.map(({ status }) => status?.phase)).toEqual(['Failed']);
    await keep(null);
    await until('nothing is left', async () => (await scene.remains(taskId)).pods.length === 0);
  });

  it('that the quota of its namespace can never allow it', async () => {
    await scene.core.createNamespacedResourceQuota({
      namespace: scene.namespace,
      body: { metadata: { name: 'small' }, spec: { hard: { 'limits.memory': '100Mi' } } },
    });
    const problem = await problemOf(bare({ resources: { cpu: '50m', memory: '200Mi' } }));
    expect(problem).toMatchObject({ code: 'QUOTA_EXCEEDED', facts: { quota: 'small' } });
    await scene.core.deleteNamespacedResourceQuota({ namespace: scene.namespace, name: 'small' });
  });
});

describe('the container', () => {
  it('is a sandbox: no root, no privileges, no token, nothing to write to but a small /tmp', async () => {
    const script = [
      'id -u',
      'grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status',
      'touch /here 2>/dev/null && echo root is writable',
      'touch /tmp/here && echo tmp is writable',
      'ls /var/run/secrets/kubernetes.io 2>/dev/null && echo has a token',
      'true',
    ].join('\n');
    const { taskId } = await scene.client.start(command(busybox, script));
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'succeeded' });
    const lines = await Array.fromAsync(scene.client.logs(taskId), ({ text }) => text.replaceAll('\t', ' '));
    expect(lines).toEqual(['65532', 'CapEff: 0000000000000000', 'NoNewPrivs: 1', 'Seccomp: 2', 'tmp is writable']);
  });

  it('sees its files where they were asked for, and its environment', async () => {
    const files = [
      { path: '/input/a.txt', text: 'one' },
      { path: '/etc/conf/b.sh', text: 'echo two', mode: 0o555 },
    ];
    const { taskId } = await scene.client.start(
      command(busybox, 'cat /input/a.txt; echo; /bin/sh /etc/conf/b.sh; echo $WHO', { files, env: { WHO: 'three' } }),
    );
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'succeeded' });
    expect(await Array.fromAsync(scene.client.logs(taskId), ({ text }) => text)).toEqual(['one', 'two', 'three']);
  });

  it('may flood its output: it is cut at the stated size, and the log says so', async () => {
    const { taskId } = await scene.client.start(
      command(busybox, 'yes 0123456789012345678901234567890123456789 | head -c 15000000'),
    );
    expect(await scene.client.result(taskId)).toMatchObject({ outcome: 'succeeded' });
    const lines = await Array.fromAsync(scene.client.logs(taskId), ({ time, text }) => `${time} ${text}`);
    expect(lines.at(-1)).toContain('cut here');
    const bytes = lines.join('\n').length;
    expect(bytes).toBeGreaterThan(LIMITS.logBytes * 0.95);
    expect(bytes).toBeLessThan(LIMITS.logBytes * 1.05);
  });
});
