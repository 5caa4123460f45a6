/** What the shared watch keeps of an object says the same as the whole. Of diagnoses their own tests hold it, each by `see`. */
import type { V1ContainerState, V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { isEnding, isOfTask, isOwnedBy, isTerminal, nextReleaseStep, wasLetGo, wasTakenBack } from '../../src/fence.ts';
import { hasBegun, statusesOf } from '../../src/kubernetes/container-status.ts';
import { ContainerTimes } from '../../src/kubernetes/container-times.ts';
import { jobManifest } from '../../src/kubernetes/job.ts';
import { slimJob, slimPod } from '../../src/kubernetes/slim.ts';
import { ANCHOR, ENDING, EPOCH, jobObject, MARKS, NAMESPACE_ID, podObject } from './cluster-objects.ts';
import { containerIn } from './diagnosis-findings.ts';

const TASK = MARKS.labels?.['holdfast.dev/task'] ?? '';
const startedAt = EPOCH;
const finishedAt = new Date(EPOCH.getTime() + 3_000);
const states: readonly V1ContainerState[] = [
  { waiting: { reason: 'ContainerCreating' } },
  { running: { startedAt } },
  { terminated: { exitCode: 1, startedAt, finishedAt } },
];

describe('of a Job', () => {
  it.each([true, false])('the fence reads the same, suspended: %s', (suspend) => {
    for (const generation of [1, 2, 3, 4])
      for (const more of [{}, ENDING]) {
        const job = jobObject({ ...more, generation }, { suspend });
        const slim = slimJob(job);
        expect(slim.metadata).toEqual(job.metadata);
        for (const read of [wasLetGo, wasTakenBack, isEnding]) expect(read(slim)).toBe(read(job));
        expect(isOwnedBy(slim, 'anchor-uid')).toBe(true);
        expect(isOfTask(slim, MARKS.name, TASK)).toBe(true);
      }
  });

  it('its status is there, and its template is not', () => {
    const settings = {
      timeoutSeconds: 60,
      gracePeriodSeconds: 5,
      network: 'none' as const,
      nodeSelector: {},
      resources: { cpu: '1', memory: '1Gi', tmp: '1Gi', devices: {} },
    };
    const plan = { workload: 'command' as const, settings, nonce: 'n', image: 'i', env: {}, files: [] };
    const status = { active: 1, conditions: [{ type: 'Suspended', status: 'False' }] };
    const slim = slimJob({ ...jobManifest(NAMESPACE_ID, ANCHOR, plan), status });
    expect(slim.status).toEqual(status);
    expect(slim.spec).toEqual({ suspend: true, template: {} });
  });
});

describe('of a Pod', () => {
  it.each(states)('containers and their times are the same: %j', (state) => {
    const containerStatuses = containerIn(state);
    const pod = podObject({ phase: 'Running', containerStatuses, initContainerStatuses: containerStatuses });
    const slim = slimPod(pod);
    const read = (of: V1Pod) => statusesOf(of).map((status) => [status.name, status.state, hasBegun(status)]);
    expect(read(slim)).toEqual(read(pod));
    const seconds = (of: V1Pod) => {
      const times = new ContainerTimes();
      times.look([of], EPOCH.getTime() + 10_000);
      return times.secondsAfter(EPOCH.getTime());
    };
    expect(seconds(slim)).toBe(seconds(pod));
  });

  it.each([[], ['batch.kubernetes.io/job-tracking']])(
    'release deletes its Job in the same way: finalizers %j',
    (...finalizers) => {
      const pod = podObject({ phase: 'Succeeded' }, { finalizers });
      const stepWith = (of: V1Pod) => nextReleaseStep({ anchor: undefined, job: jobObject(), pods: [of] });
      const propagation = finalizers.length > 0 ? 'Foreground' : 'Background';
      expect(stepWith(pod)).toMatchObject({ do: 'delete job', propagation });
      expect(stepWith(slimPod(pod))).toEqual(stepWith(pod));
    },
  );

  it('it is known whose it is, where it is and whether it has ended', () => {
    for (const phase of ['Pending', 'Running', 'Succeeded', 'Failed']) {
      const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name: MARKS.name, uid: 'job-uid' }];
      const pod = podObject({ phase, podIP: '10.0.0.1' }, { ...ENDING, ownerReferences, labels: MARKS.labels ?? {} });
      const slim = slimPod(pod);
      expect(slim).toMatchObject({ metadata: pod.metadata, spec: { nodeName: 'node-1' }, status: { phase } });
      for (const read of [isTerminal, isEnding]) expect(read(slim)).toBe(read(pod));
      expect(slim.status).not.toHaveProperty('podIP');
    }
  });
});
