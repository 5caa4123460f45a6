/** What Temporal has forgotten is released by whoever worked on it, unless it is likelier that Temporal is mistaken. */
import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import type { Deps } from '../../src/activities/deps.ts';
import { Followed } from '../../src/activities/followed.ts';
import { releaseIfForgotten } from '../../src/activities/forgotten.ts';
import { LostTasks } from '../../src/activities/lost-tasks.ts';
import { Unreleased } from '../../src/unreleased.ts';
import { NAMESPACE_ID } from './cluster-objects.ts';

/** Gives which of these tasks were released, when none of them is known any more, or all are terminated. */
async function released(taskIds: readonly string[], answers = NAMESPACE_ID, status?: string): Promise<string[]> {
  const told: string[] = [];
  const nothing = async () => undefined;
  const deps = {
    followed: new Followed(),
    unreleased: new Unreleased(),
    temporalNamespaceId: NAMESPACE_ID,
    log: { warn: () => undefined, info: ({ taskId }: { taskId: string }) => void told.push(taskId) },
    watch: { changed: nothing },
    api: {
      readAnchor: nothing,
      readJob: nothing,
      listPods: async () => [],
      listAnchors: async () => [],
      listJobs: async () => [],
    },
  } as unknown as Deps;
  const describe = async () => {
    if (status === undefined) throw new WorkflowNotFoundError('no such', 'task', undefined);
    return { status: { name: status } };
  };
  const client = {
    options: { namespace: 'default' },
    withAbortSignal: (_: AbortSignal, ask: () => unknown) => ask(),
    workflowService: { describeNamespace: async () => ({ namespaceInfo: { id: answers } }) },
    workflow: { getHandle: () => ({ describe }) },
  } as unknown as Client;
  const runs = taskIds.map((taskId) => ({ taskId, runId: 'r', name: `hf-${taskId}` }));
  await Promise.all(
    runs.map((run) => new MockActivityEnvironment({}, { client }).run(() => releaseIfForgotten(deps, run))),
  );
  return told;
}

const ids = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

it('any number of tasks that were terminated', async () => {
  const tasks = ids(30, 'ended');
  expect(await released(tasks, NAMESPACE_ID, 'TERMINATED')).toEqual(tasks);
});

it('none of another Temporal’s', async () => {
  expect(await released(ids(3, 'elsewhere'), 'another', 'TERMINATED')).toEqual([]);
  expect(await released(ids(3, 'elsewhere'), 'another')).toEqual([]);
});

it('a few that were deleted, and none of many that are missed at once, as after a restore from a backup', async () => {
  expect(await released(ids(2, 'deleted'))).toEqual(ids(2, 'deleted'));
  expect(await released(ids(30, 'lost'))).toEqual([]);
});

it('and what was missed long ago does not count', () => {
  const lost = new LostTasks();
  for (const [index, run] of ids(10, 'run').entries()) lost.note(run, index * 120_000);
  expect(lost.areMany).toBe(false);
  for (const run of ids(10, 'run')) lost.note(run, 20 * 60_000);
  expect(lost.areMany).toBe(true);
  lost.note('alone', 60 * 60_000);
  expect(lost.areMany).toBe(false);
});
