/** Waits: one row for each thing that Kubernetes may say, as it was seen to say it; and when waiting is of no use. */
import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/kubernetes/diagnosis.ts';
import { EPOCH, eventObject, podObject } from './cluster-objects.ts';
import { containerIn, type Given, see } from './diagnosis-findings.ts';

/** Seconds; undefined where there is no end. */
const patienceOf = (seen: Diagnosis) => ('patienceMs' in seen && seen.patienceMs ? seen.patienceMs / 1_000 : undefined);
const node = (cpu: string, memory = '8Gi'): V1Node => ({ status: { allocatable: { cpu, memory } } });

describe('a Job without a Pod', () => {
  const QUOTA = (requested: string, limited: string) =>
    `Error creating: pods "x" is forbidden: exceeded quota: q, requested: ${requested}, used: limits.memory=0, limited: ${limited}`;

  it.each<[string, string, string, string]>([
    ['the quota could never allow it', QUOTA('limits.memory=2Gi', 'limits.memory=1Gi'), 'failed', 'QUOTA_EXCEEDED'],
    ['the quota is used up for now', QUOTA('limits.memory=1Gi', 'limits.memory=1Gi'), 'waiting', 'QUOTA_EXCEEDED'],
    [
      'one of two amounts is beyond the quota',
      QUOTA('limits.cpu=500m,limits.memory=2Gi', 'limits.cpu=1,limits.memory=1024Mi'),
      'failed',
      'QUOTA_EXCEEDED',
    ],
    [
      'PodSecurity forbids it',
      'Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest": a',
      'failed',
      'JOB_REFUSED',
    ],
    ['an admission webhook denied it', 'admission webhook "w" denied the request: no', 'failed', 'JOB_REFUSED'],
    ['a webhook is away', 'failed calling webhook "w": connection refused', 'waiting', 'JOB_REFUSED'],
  ])('says that %s', (_, message, is, code) => {
    expect(see({ events: [eventObject('FailedCreate', message)] })).toMatchObject({ is, problem: { code } });
  });

  it('is believed in what was said last', () => {
    const events = [
      eventObject('FailedCreate', QUOTA('limits.memory=1Gi', 'limits.memory=1Gi'), 9),
      eventObject('FailedCreate', QUOTA('limits.memory=2Gi', 'limits.memory=1Gi'), 1),
    ];
    expect(see({ events }).is).toBe('waiting');
  });

  it('waits, with nothing to say, while there is nothing', () => {
    expect(see({})).toEqual({ is: 'waiting' });
  });
});

describe('a Pod that finds no node', () => {
  const unscheduled = (): V1Pod =>
    podObject({
      phase: 'Pending',
      conditions: [
        { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/2 nodes are available' },
      ],
    });

  it.each<[string, Given, number?]>([
    [
      'for as long as an autoscaler may take to look, if no node could run it',
      { nodes: [node('1'), node('1500m')] },
      30,
    ],
    ['as short for any resource', { nodes: [node('8', '512Mi')] }, 30],
    ['without an end when some node is only full', { nodes: [node('1'), node('2')] }],
    ['without an end when nobody may say what nodes there are', { nodes: [] }],
    [
      'without an end while an autoscaler brings a node',
      { nodes: [node('1')], events: [eventObject('TriggeredScaleUp', 'm')] },
    ],
    ['without an end while Karpenter brings a node', { nodes: [node('1')], events: [eventObject('Nominated', 'm')] }],
  ])('waits %s', (_, given, seconds) => {
    const seen = see({ pods: [unscheduled()], ...given });
    expect(seen).toMatchObject({ is: 'waiting', problem: { code: 'UNSCHEDULABLE' } });
    expect(patienceOf(seen)).toBe(seconds);
  });

  it('says which resource is short, how much was asked for, and what the largest node has', () => {
    const seen = see({ pods: [unscheduled()], nodes: [node('1'), node('1500m')] });
    expect(seen).toMatchObject({ problem: { facts: { resource: 'cpu', requested: '2', largest: '1500m' } } });
  });
});

describe('a Pod whose container does not begin', () => {
  const scheduled = [{ type: 'PodScheduled', status: 'True', lastTransitionTime: EPOCH }];
  const waiting = (reason: string, message?: string): V1Pod =>
    podObject({
      phase: 'Pending',
      conditions: scheduled,
      containerStatuses: containerIn({ waiting: { reason, ...(message !== undefined && { message }) } }),
    });
  const pullFailed = (said: string) => ({ events: [eventObject('Failed', `Failed to pull image "i": ${said}`)] });

  it.each<[string, V1Pod, Given]>([
    ['an image that does not exist', waiting('ErrImagePull', 'manifest unknown'), {}],
    ['an image it may not pull', waiting('ErrImagePull', 'pull access denied'), {}],
    ['such a reason, hidden by back-off', waiting('ImagePullBackOff', 'Back-off'), pullFailed('not found')],
    ['a name that is none', waiting('InvalidImageName', 'bad'), {}],
    ['an image that must be there and is not', waiting('ErrImageNeverPull', 'absent'), {}],
  ])('fails at once for %s', (_, pod, given) => {
    expect(see({ pods: [pod], ...given })).toMatchObject({ is: 'failed', problem: { code: 'IMAGE_UNAVAILABLE' } });
  });

  const pullsAgain = [
    eventObject('Failed', 'Failed to pull image "i": i/o timeout', 1),
    eventObject('Pulling', 'm', 2),
  ];

  it.each<[string, V1Pod, Given, string, number?]>([
    ['a registry that is slow', waiting('ErrImagePull', 'i/o timeout'), {}, 'IMAGE_UNAVAILABLE', 60],
    [
      'back-off for such a reason',
      waiting('ImagePullBackOff', 'Back-off'),
      pullFailed('i/o timeout'),
      'IMAGE_UNAVAILABLE',
      60,
    ],
    [
      'an image that is being pulled again',
      waiting('ErrImagePull', 'i/o timeout'),
      { events: pullsAgain },
      'IMAGE_UNAVAILABLE',
    ],
    ['a container that cannot be made', waiting('CreateContainerConfigError', 'x'), {}, 'CONTAINER_CANNOT_START', 20],
    [
      'a volume that is not there',
      waiting('ContainerCreating'),
      { events: [eventObject('FailedMount', 'configmap "a" not found')] },
      'CONTAINER_CANNOT_START',
    ],
  ])('is patient with %s', (_, pod, given, code, seconds) => {
    const seen = see({ pods: [pod], ...given });
    expect(seen).toMatchObject({ is: 'waiting', problem: { code } });
    expect(patienceOf(seen)).toBe(seconds);
  });

  it('waits, with nothing to say, while its container is being made', () => {
    const seen = see({ pods: [waiting('ContainerCreating')] });
    expect(seen).toEqual({ is: 'waiting', pod: { name: 'pod-1', phase: 'Pending', node: 'node-1' } });
  });
});
