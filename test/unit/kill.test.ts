/** What a kill decides, as pure functions: its steps, what a Pod's object proves, what is told, which tasks are meant. */
import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import type { RunWorld } from '../../src/fence.ts';
import { selectorOf, tasksIn } from '../../src/kill/candidates.ts';
import { reportOf } from '../../src/kill/report.ts';
import { couldRun, endOf, isReleased, nextKillSteps } from '../../src/kill/steps.ts';
import { anchorObject, ENDING, EPOCH, jobObject, MARKS, NAMESPACE_ID, podObject } from './cluster-objects.ts';

const world = (more: Partial<RunWorld>): RunWorld => ({ anchor: undefined, job: undefined, pods: [], ...more });
const running = { phase: 'Running', containerStatuses: [status({ running: {} })] };
const failed = { phase: 'Failed', containerStatuses: [status({ terminated: { exitCode: 137 } })] };

function status(state: object) {
  return { name: 'task', image: 'i', imageID: '', ready: false, restartCount: 0, state };
}

describe('the steps of a kill', () => {
  it('ask the Pods first, for a node keeps to the grace it was given first; then they are those of release', () => {
    const ask = { do: 'end pod', name: 'pod-1', uid: 'pod-uid', graceSeconds: 1 };
    const steps = (job: RunWorld['job']) =>
      nextKillSteps(world({ anchor: anchorObject(), job, pods: [podObject(running)] }), 'asking');
    const deletion = { do: 'delete job', uid: 'job-uid', resourceVersion: '7', propagation: 'Foreground' };
    expect(steps(jobObject())).toEqual([ask, deletion]);
    expect(steps(jobObject(ENDING))).toEqual([ask, { do: 'delete anchor', uid: 'anchor-uid' }]);
  });

  it('ask a Pod that has a longer grace again, and each only once', () => {
    const step = { do: 'end pod', name: 'pod-1', uid: 'pod-uid', graceSeconds: 1 };
    const stepsFor = (pod: V1Pod) => nextKillSteps(world({ job: jobObject(ENDING), pods: [pod] }), 'asking');
    expect(stepsFor(podObject(running))).toEqual([step]);
    expect(stepsFor(podObject(running, { ...ENDING, deletionGracePeriodSeconds: 600 }))).toEqual([step]);
    expect(stepsFor(podObject(running, { ...ENDING, deletionGracePeriodSeconds: 1 }))).toEqual([]);
  });

  it('ask a Pod without a node only as it was read, for it may get one in this moment; its object is removed in any case', () => {
    const { spec: _, ...pod } = podObject({ phase: 'Pending' }, { resourceVersion: '7' });
    const steps = (patience: 'asking' | 'forcing') => nextKillSteps(world({ pods: [pod] }), patience);
    const step = { do: 'end pod', name: 'pod-1', uid: 'pod-uid' };
    expect(steps('asking')).toEqual([{ ...step, graceSeconds: 1, resourceVersion: '7' }]);
    expect(steps('forcing')).toEqual([{ ...step, graceSeconds: 0 }]);
  });

  it('remove the object only when patience is over, and only of what has not ended', () => {
    const asked = podObject(running, { ...ENDING, deletionGracePeriodSeconds: 1 });
    const over = podObject(failed, { ...ENDING, deletionGracePeriodSeconds: 1 });
    const steps = nextKillSteps(world({ pods: [asked, over] }), 'forcing');
    expect(steps).toEqual([{ do: 'end pod', name: 'pod-1', uid: 'pod-uid', graceSeconds: 0 }]);
    const forced = podObject(running, { ...ENDING, deletionGracePeriodSeconds: 0 });
    expect(nextKillSteps(world({ pods: [forced] }), 'forcing')).toEqual([]);
  });

  it('are over only when anchor and Job are gone and no Pod lives', () => {
    expect(isReleased(world({}))).toBe(true);
    expect(isReleased(world({ pods: [podObject(failed)] }))).toBe(true);
    expect(isReleased(world({ pods: [podObject(running, { ...ENDING, deletionGracePeriodSeconds: 0 })] }))).toBe(false);
    expect(isReleased(world({ job: jobObject(ENDING) }))).toBe(false);
  });
});

it('what could run is a started Job or a Pod that lives, not an anchor, a suspended Job, or what is over', () => {
  expect(couldRun(world({ anchor: anchorObject(), job: jobObject(), pods: [podObject(failed)] }))).toBe(false);
  expect(couldRun(world({ job: jobObject({}, { suspend: false }) }))).toBe(true);
  expect(couldRun(world({ pods: [podObject({ phase: 'Pending' })] }))).toBe(true);
});

describe('what the object of a Pod proves', () => {
  it.each([
    ['the node says that its container ended', podObject(failed), 'terminated'],
    ['a container runs, whatever the phase says', podObject({ ...running, phase: 'Failed' }), 'may_run'],
    ['it waits on a node that has said nothing yet', podObject({ phase: 'Pending' }), 'may_run'],
    ['the node refused it', podObject({ phase: 'Failed' }), 'never_ran'],
    [
      'the node ended it before its container began',
      podObject({ phase: 'Failed', containerStatuses: [status({ waiting: {} })] }),
      'never_ran',
    ],
    [
      'Kubernetes wrote it off because its node is gone',
      podObject({
        phase: 'Failed',
        conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC' }],
      }),
      'may_run',
    ],
  ] as const)('if %s', (_, pod, end) => {
    expect(endOf(pod)).toBe(end);
  });

  it('without a node it never ran', () => {
    const { spec: _, ...pod } = podObject({ phase: 'Pending' });
    expect(endOf(pod)).toBe('never_ran');
  });
});

describe('what is told', () => {
  const findings = {
    taskId: 't',
    was: 'open' as const,
    couldRun: true,
    pods: [] as Parameters<typeof reportOf>[0]['pods'],
    left: [] as readonly RunWorld[],
    missing: undefined,
    nodes: undefined as readonly V1Node[] | undefined,
    waitedMs: 10_000,
  };
  const node = (ready: string): V1Node => ({
    metadata: { name: 'node-1' },
    status: { conditions: [{ type: 'Ready', status: ready }] },
  });

  const last = (status: V1Pod['status'], isTaken = false) => ({ pod: podObject(status), isTaken });

  it('is killed only if every Pod is proved over and nothing is left', () => {
    expect(reportOf({ ...findings, pods: [last(failed)] })).toMatchObject({ answer: 'killed', left: [] });
    expect(reportOf({ ...findings, pods: [last(failed), last(running)] }).answer).toBe('killed_unproved');
    expect(reportOf({ ...findings, left: [world({ job: jobObject(ENDING) })] }).answer).toBe('killed_unproved');
  });

  it.each([
    ['not_ready', [node('Unknown')]],
    ['ready', [node('True')]],
    ['gone', [{ metadata: { name: 'other' } }]],
    ['unknown', undefined],
  ] as const)('of a Pod that may run: on which node, and that the node is %s', (nodeState, nodes) => {
    const [pod] = reportOf({ ...findings, pods: [last(running)], nodes }).pods;
    expect(pod).toMatchObject({ name: 'pod-1', node: 'node-1', end: 'may_run', nodeState });
    expect(pod?.why).toContain('within 10 s');
  });

  it('does not say that it has waited for a Pod whose object somebody else removed', () => {
    const { answer, pods } = reportOf({ ...findings, pods: [last(running, true)] });
    expect({ answer, why: pods[0]?.why }).toEqual({
      answer: 'killed_unproved',
      why: expect.stringMatching(
        /^its object is gone, though not by force of this kill, .*; whether the node is Ready/,
      ),
    });
  });

  it('names what holds an object that does not go', () => {
    const job = jobObject({ ...ENDING, finalizers: ['foregroundDeletion'] });
    const { left } = reportOf({ ...findings, left: [world({ job })] });
    expect(left).toEqual([{ kind: 'Job', name: MARKS.name, why: expect.stringContaining('foregroundDeletion') }]);
  });

  it('does not take a Job for gone that Temporal knows and this cluster has no trace of', () => {
    const missing = { namespace: 'ns', name: 'hf-x', uid: 'u' };
    const report = reportOf({ ...findings, couldRun: false, missing });
    expect(report).toMatchObject({ answer: 'killed_unproved', left: [{ kind: 'Job', name: 'hf-x' }] });
  });

  it('of a task that had ended is how, unless something of it could still run', () => {
    const ended = { ...findings, couldRun: false };
    expect(reportOf({ ...ended, was: 'succeeded' }).answer).toBe('already_completed');
    expect(reportOf({ ...ended, was: 'terminated' }).answer).toBe('already_terminated');
    expect(reportOf({ ...ended, was: 'terminated', couldRun: true }).answer).toBe('killed');
    expect(reportOf({ ...ended, was: 'forgotten' }).answer).toBe('killed');
  });
});

describe('the tasks that a filter selects', () => {
  it('meet every condition', () => {
    const selector = selectorOf({ workload: 'command', labels: { 'holdfast.dev/network': 'none' } });
    expect(selector.split(',')).toEqual([
      'app.kubernetes.io/managed-by=holdfast',
      'holdfast.dev/workload=command',
      'holdfast.dev/network=none',
    ]);
  });

  it('are of this Temporal, each once, as old as its oldest object, oldest first', () => {
    const at = (seconds: number) => ({ creationTimestamp: new Date(EPOCH.getTime() + seconds * 1_000) });
    const of = (task: string, temporal: string) => ({
      annotations: { 'holdfast.dev/task-id': task, 'holdfast.dev/temporal-namespace-id': temporal },
    });
    const pod = podObject(running, { ...MARKS, ...of('young', NAMESPACE_ID), ...at(9) });
    const objects = [
      anchorObject({ ...of('young', NAMESPACE_ID), ...at(8) }),
      anchorObject({ ...of('old', NAMESPACE_ID), ...at(1) }),
      jobObject({ ...of('old', NAMESPACE_ID), ...at(2) }),
      anchorObject({ ...of('foreign', 'another'), ...at(0) }),
    ];
    const found = tasksIn(objects, [pod], NAMESPACE_ID);
    expect(found.map(({ taskId, since }) => [taskId, since.getTime() - EPOCH.getTime()])).toEqual([
      ['old', 1_000],
      ['young', 8_000],
    ]);
    expect(found[1]?.pods).toEqual([{ name: MARKS.name, phase: 'Running', node: 'node-1' }]);
  });
});
