/** Findings as follow gathers them, and what the diagnosis makes of them. */
import type { CoreV1Event, V1ContainerState, V1ContainerStatus, V1Job, V1Node, V1Pod } from '@kubernetes/client-node';
import { expect } from 'vitest';
import { diagnose, type Diagnosis } from '../../src/kubernetes/diagnosis.ts';
import { slimJob, slimPod } from '../../src/kubernetes/slim.ts';
import { jobObject } from './cluster-objects.ts';

export interface Given {
  readonly job?: V1Job | undefined;
  readonly pods?: readonly V1Pod[];
  readonly events?: readonly CoreV1Event[];
  readonly nodes?: readonly V1Node[];
}

export function started(status?: V1Job['status']): V1Job {
  return jobObject({}, { suspend: false, ...(status && { status }) });
}

/** Of a Job that has been started, unless another is given. What the shared watch keeps of both must say the same. */
export function see(given: Given): Diagnosis {
  const { pods = [], events = [], nodes = [] } = given;
  const job = 'job' in given ? given.job : started();
  const rest = { events, nodes };
  const diagnosis = diagnose({ job, pods, ...rest });
  expect(diagnose({ job: job && slimJob(job), pods: pods.map(slimPod), ...rest })).toEqual(diagnosis);
  return diagnosis;
}

export function containerIn(state: V1ContainerState): V1ContainerStatus[] {
  return [{ name: 'task', image: 'i', imageID: '', ready: false, restartCount: 0, state }];
}
