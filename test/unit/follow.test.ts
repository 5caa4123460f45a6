/** Following in a crowd, where events are asked for rarely: what they would have said is heard before a task fails. */
import type { CoreV1Event, V1Pod } from '@kubernetes/client-node';
import type { Client } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Deps } from '../../src/activities/deps.ts';
import { follow, WAITING } from '../../src/activities/follow.ts';
import { Followed } from '../../src/activities/followed.ts';
import { LONG_WAITS } from '../../src/activities/long-wait.ts';
import { Room } from '../../src/activities/room.ts';
import { followQueue } from '../../src/contract.ts';
import { Unreleased } from '../../src/unreleased.ts';
import { ANCHOR, eventObject, jobObject, NAMESPACE_ID, podObject } from './cluster-objects.ts';

const JOB = { namespace: ANCHOR.namespace, name: ANCHOR.name, uid: 'job-uid' };
const LOOK_MS = 10_000;
const TASK_QUEUE = 'tasks';
const condition = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'Unschedulable',
  message: '0/1 nodes are available',
};
const homeless = podObject({ phase: 'Pending', conditions: [condition] });
const ended = podObject({ phase: 'Succeeded' });

let leave: readonly (() => void)[];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  leave = Array.from({ length: 2_000 }, () => [LONG_WAITS.enter(), WAITING.enter()]).flat();
});
afterEach(() => {
  vi.useRealTimers();
  for (const each of leave) each();
});

/** On a cluster whose only node is too small, by a follow for which ten seconds go by between two looks. */
async function followed(
  podAt: (look: number) => V1Pod | undefined,
  events: readonly CoreV1Event[],
  { room = new Room(1), taskQueue = TASK_QUEUE } = {},
) {
  let [looks, asked] = [0, 0];
  const job = jobObject({}, { suspend: false });
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name: JOB.name, uid: JOB.uid };
  const pods = () => {
    const pod = podAt(looks);
    return pod === undefined ? [] : [{ ...pod, metadata: { ...pod.metadata, ownerReferences: [owner] } }];
  };
  const changed = async () => {
    looks += 1;
    vi.setSystemTime(Date.now() + LOOK_MS);
  };
  const deps = {
    followed: new Followed(),
    unreleased: new Unreleased(),
    room,
    taskQueue: TASK_QUEUE,
    stopping: new AbortController().signal,
    temporalNamespaceId: NAMESPACE_ID,
    watch: { changed, see: () => ({ job, pods: pods() }) },
    api: {
      listPods: async () => pods(),
      readJob: async () => job,
      listNodes: async () => [{ status: { allocatable: { cpu: '1', memory: '8Gi' } } }],
      eventsOf: async () => ((asked += 1), events),
    },
    collector: { collect: () => ({ done: Promise.resolve() }) },
  };
  const workflow = { getHandle: () => ({ signal: async () => undefined }) };
  const client = { workflow, withAbortSignal: (_: AbortSignal, ask: () => unknown) => ask() };
  const environment = new MockActivityEnvironment(
    { workflowExecution: { workflowId: ANCHOR.run.taskId, runId: ANCHOR.run.runId }, taskQueue },
    { client: client as unknown as Client },
  );
  const ending = await environment.run(() => follow(deps as unknown as Deps, ANCHOR, JOB));
  return { ending, looks, asked };
}

it('a Pod for which an autoscaler brings a node is waited for, though its events were not read before', async () => {
  const scaling = [eventObject('TriggeredScaleUp', 'pod triggered scale-up')];
  const { ending, asked } = await followed((look) => (look < 20 ? homeless : ended), scaling);
  expect(ending).toMatchObject({ kind: 'succeeded' });
  expect(asked).toBe(1);
});

it('a Pod for which nothing comes fails, when its events have been asked for', async () => {
  const { ending, looks, asked } = await followed(() => homeless, []);
  expect(ending).toMatchObject({ kind: 'failed', problem: { code: 'UNSCHEDULABLE' } });
  expect([looks < 10, asked]).toEqual([true, 1]);
});

it('a Pod that shows no trouble is waited for without a question for its events, which are read from all of the namespace', async () => {
  const coming = podObject({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] });
  const { ending, asked } = await followed((look) => (look < 20 ? coming : ended), []);
  expect(ending).toMatchObject({ kind: 'succeeded' });
  expect(asked).toBe(0);
});

it('a worker without room follows nothing at once, and what has come in its turn has its place already', async () => {
  const room = new Room(1);
  const turn = await room.reserveSlot({}, new AbortController().signal);
  expect((await followed(() => ended, [], { room })).ending).toBeUndefined();
  const { ending } = await followed(() => ended, [], { room, taskQueue: followQueue(TASK_QUEUE) });
  expect(ending).toMatchObject({ kind: 'succeeded' });
  room.releaseSlot({ permit: turn });
  expect((await followed(() => ended, [], { room })).ending).toMatchObject({ kind: 'succeeded' });
});

it('where few wait among many that run, the events of a Job without a Pod are asked for at once', async () => {
  for (const each of leave) each();
  leave = Array.from({ length: 2_000 }, () => LONG_WAITS.enter());
  const refused = [eventObject('FailedCreate', 'pods "p" is forbidden: violates PodSecurity "restricted"')];
  const { ending, looks } = await followed(() => undefined, refused);
  expect(ending).toMatchObject({ kind: 'failed', problem: { code: 'JOB_REFUSED' } });
  expect(looks).toBeLessThan(3);
});
