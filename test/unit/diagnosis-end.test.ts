/** Endings: one row for each thing that Kubernetes may say, as it was seen to say it. */
import type { V1Job, V1PodStatus } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { endOfRun, latest } from '../../src/kubernetes/diagnosis.ts';
import { ENDING, EPOCH, jobObject, podObject } from './cluster-objects.ts';
import { containerIn, see, started } from './diagnosis-findings.ts';

const condition = (type: string, reason: string, message = 'm') =>
  started({ conditions: [{ type, status: 'True', reason, message }] });
const terminated = (exitCode: number, more: { reason?: string; message?: string } = {}): V1PodStatus => ({
  phase: 'Failed',
  containerStatuses: containerIn({ terminated: { exitCode, reason: 'Error', ...more } }),
});
const disrupted = (reason: string): V1PodStatus => ({
  phase: 'Failed',
  conditions: [{ type: 'DisruptionTarget', status: 'True', reason, message: 'm' }],
});

describe('a Pod that has ended', () => {
  it.each<[string, V1PodStatus, string, RegExp, Record<string, unknown>?]>([
    ['an exit code', terminated(3), 'EXIT_CODE', /exit code 3\.$/, { exitCode: 3 }],
    [
      'its last words',
      terminated(1, { message: 'a\nthe disk is full\n' }),
      'EXIT_CODE',
      /with: the disk is full$/,
      { output: 'a\nthe disk is full' },
    ],
    ['a signal', terminated(143), 'EXIT_CODE', /143 \(SIGTERM\)/, { signal: 'SIGTERM' }],
    ['a number that is no signal', terminated(255), 'EXIT_CODE', /exit code 255\./, { exitCode: 255 }],
    [
      'too much memory',
      terminated(137, { reason: 'OOMKilled' }),
      'OUT_OF_MEMORY',
      /1Gi/,
      { limit: '1Gi', peak: 'at least 1Gi' },
    ],
    [
      'a command that is not there',
      terminated(128, { reason: 'StartError', message: 'no such file' }),
      'CONTAINER_CANNOT_START',
      /no such file/,
    ],
    [
      'a container that cannot run',
      terminated(127, { reason: 'ContainerCannotRun' }),
      'CONTAINER_CANNOT_START',
      /ContainerCannotRun/,
    ],
    [
      'an eviction',
      { phase: 'Failed', reason: 'Evicted', message: 'low on memory' },
      'EVICTED',
      /low on memory/,
      { node: 'node-1' },
    ],
    [
      'a preemption',
      disrupted('PreemptionByScheduler'),
      'EVICTED',
      /: m$/,
      { node: 'node-1', disruption: 'PreemptionByScheduler' },
    ],
    ['an eviction by the API', disrupted('EvictionByEvictionAPI'), 'EVICTED', /: m$/],
    ['a node that was lost', disrupted('DeletionByTaintManager'), 'NODE_LOST', /node-1/, { node: 'node-1' }],
    ['a node that was removed', disrupted('DeletionByPodGC'), 'NODE_LOST', /node-1/],
    [
      'a node that shut down',
      { phase: 'Failed', reason: 'NodeShutdown' },
      'NODE_LOST',
      /NodeShutdown/,
      { disruption: 'NodeShutdown' },
    ],
    [
      'a refusal by the node',
      { phase: 'Failed', reason: 'OutOfcpu', message: 'no room' },
      'EVICTED',
      /no room/,
      { disruption: 'OutOfcpu' },
    ],
    ['its own deadline', { ...terminated(143), reason: 'DeadlineExceeded' }, 'DEADLINE_EXCEEDED', /within its timeout/],
  ])('by %s is told so', (_, status, code, message, facts = {}) => {
    const seen = see({ pods: [podObject(status)] });
    expect(seen).toMatchObject({ is: 'failed', problem: { code, message: expect.stringMatching(message) } });
    const { problem } = seen as Extract<typeof seen, { is: 'failed' }>;
    expect(problem.next).toMatch(/\.$/);
    expect(problem.facts ?? {}).toMatchObject(facts);
  });

  it('by an eviction for its own use of storage is not told as taken away by the platform', () => {
    const seen = see({ pods: [podObject({ phase: 'Failed', reason: 'Evicted', message: 'emptyDir over its limit' })] });
    expect(seen).toMatchObject({ problem: { code: 'EVICTED', facts: { node: 'node-1' } } });
    expect(seen).not.toHaveProperty('problem.facts.disruption');
  });

  it('because somebody deleted it is told so, though its container then exits with a code', () => {
    const seen = see({ pods: [podObject(terminated(143), ENDING)] });
    expect(seen).toMatchObject({ is: 'failed', problem: { code: 'JOB_DELETED' } });
  });

  it('because it was one too many, made by Kubernetes, is taken away by the platform', () => {
    const pods = [
      podObject({ phase: 'Running' }),
      podObject(terminated(143), { ...ENDING, name: 'pod-2', uid: 'pod-uid-2' }),
    ];
    const facts = { disruption: 'SurplusPod' };
    expect(see({ pods: pods.toReversed() })).toMatchObject({ is: 'failed', problem: { code: 'EVICTED', facts } });
    const job = condition('Failed', 'BackoffLimitExceeded');
    expect(see({ pods, job })).toMatchObject({ is: 'failed', problem: { code: 'EVICTED', facts } });
    // Those that are gone are counted.
    const counted = { ...job, status: { ...job.status, failed: 2 } };
    expect(see({ pods: [], job: counted })).toMatchObject({ is: 'failed', problem: { code: 'EVICTED', facts } });
  });

  it('well is a success, whatever becomes of its Job', () => {
    const pods = [podObject({ phase: 'Succeeded' })];
    expect(see({ pods })).toMatchObject({ is: 'succeeded', pod: { name: 'pod-1', node: 'node-1' } });
    expect(see({ pods, job: undefined })).toMatchObject({ is: 'succeeded' });
    expect(see({ pods, job: jobObject(ENDING) })).toMatchObject({ is: 'succeeded' });
  });
});

describe('a Job that has ended', () => {
  it.each<[string, V1Job | undefined, string]>([
    ['by its deadline', condition('Failed', 'DeadlineExceeded'), 'DEADLINE_EXCEEDED'],
    ['by its deadline, its Pod still ending', condition('FailureTarget', 'DeadlineExceeded'), 'DEADLINE_EXCEEDED'],
    ['because it was deleted', undefined, 'JOB_DELETED'],
    ['because it is being deleted', jobObject(ENDING, { suspend: false }), 'JOB_DELETED'],
    ['because its Pod was taken away', condition('Failed', 'PodFailurePolicy'), 'EVICTED'],
    ['because its Pod was deleted', condition('Failed', 'BackoffLimitExceeded'), 'JOB_DELETED'],
  ])('%s is told so', (_, job, code) => {
    expect(see({ job })).toMatchObject({ is: 'failed', problem: { code } });
  });

  it('by its deadline is told so, rather than by what that did to its container', () => {
    const seen = see({ job: condition('Failed', 'DeadlineExceeded'), pods: [podObject(terminated(137))] });
    expect(seen).toMatchObject({ problem: { code: 'DEADLINE_EXCEEDED' } });
  });

  it('is told by its Pod, which knows why', () => {
    const seen = see({ job: condition('Failed', 'BackoffLimitExceeded'), pods: [podObject(terminated(3))] });
    expect(seen).toMatchObject({ problem: { code: 'EXIT_CODE' } });
  });

  it('well is a success though its Pod is gone', () => {
    expect(see({ job: condition('Complete', 'CompletionsReached') })).toEqual({ is: 'succeeded' });
  });
});

describe('a Pod that runs', () => {
  it('is running, and terminating when it is being deleted', () => {
    expect(see({ pods: [podObject({ phase: 'Running' })] })).toMatchObject({
      is: 'running',
      pod: { phase: 'Running' },
    });
    expect(see({ pods: [podObject({ phase: 'Running' }, ENDING)] })).toMatchObject({ pod: { phase: 'Terminating' } });
  });

  it('has not ended by itself, nor has a Job whose Pod does', () => {
    expect(endOfRun(started(), [podObject({ phase: 'Running' })])).toBeUndefined();
    expect(endOfRun(started(), [podObject({ phase: 'Succeeded' })])).toBe('succeeded');
  });

  it('is judged by the newest Pod', () => {
    const old = podObject({ phase: 'Failed' }, { name: 'old' });
    const young = podObject({ phase: 'Running' }, { name: 'young', creationTimestamp: new Date(EPOCH.getTime() + 1) });
    expect(latest([old, young])?.metadata?.name).toBe('young');
    expect(see({ pods: [young, old] })).toMatchObject({ is: 'running', pod: { name: 'young' } });
  });
});
