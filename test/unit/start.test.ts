/** Dispatch: what it trusts the watch with, and what it reads. */
import type { V1ConfigMap, V1Job } from '@kubernetes/client-node';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import type { Deps } from '../../src/activities/deps.ts';
import { start } from '../../src/activities/start.ts';
import type { JobRef } from '../../src/contract.ts';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import { ANCHOR, ENDING, anchorObject, jobObject, MARKS } from './cluster-objects.ts';

const JOB: JobRef = { namespace: 'ns', name: MARKS.name, uid: 'job-uid' };
const NOTED = { conditions: [{ type: 'Suspended', status: 'True' }] };
const noted = jobObject({ resourceVersion: '8' }, { status: NOTED });
const young = jobObject();
const gone = jobObject(ENDING, { status: NOTED });

interface Cluster {
  readonly seen?: V1Job;
  /** One read after the other. */
  readonly reads?: readonly (V1Job | undefined)[];
  readonly conflicts?: number;
  readonly armed?: V1ConfigMap | undefined;
}

async function played(cluster: Cluster) {
  const { seen, reads = [], conflicts = 0, armed } = { armed: anchorObject(), ...cluster };
  const asked: string[] = [];
  const [left, refused] = [[...reads], { left: conflicts }];
  const api = {
    patchAnchor: async () => (asked.push('arm'), armed),
    readJob: async () => {
      asked.push('read');
      if (left.length === 0) throw new Error('it is read once more than it should be');
      return left.shift();
    },
    startJob: async (_: string, { metadata }: { metadata: { resourceVersion: string } }) => {
      asked.push(`start ${metadata.resourceVersion}`);
      if (refused.left > 0) {
        refused.left -= 1;
        throw new ApiError('conflict', 'the Job has changed');
      }
    },
  };
  const deps = { api, watch: { see: () => ({ job: seen, pods: [] }) } } as unknown as Deps;
  const ended = new MockActivityEnvironment().run(() => start(deps, ANCHOR, JOB));
  return {
    ended: await ended.then(
      () => 'started',
      (error: { type?: string }) => error.type,
    ),
    asked,
  };
}

it.each<[string, Cluster, readonly string[]]>([
  ['as the watch shows it, once the Job controller has noted it', { seen: noted }, ['arm', 'start 8']],
  ['as it is read, before that', { seen: young, reads: [young] }, ['arm', 'read', 'start 7']],
  ['as it is read, if the watch does not show it', { reads: [noted] }, ['arm', 'read', 'start 8']],
  ['as it is read, if the watch shows another end', { seen: gone, reads: [noted] }, ['arm', 'read', 'start 8']],
  [
    'after a conflict as it is then',
    { seen: noted, reads: [young], conflicts: 1 },
    ['arm', 'start 8', 'read', 'start 7'],
  ],
])('a Job is let go %s', async (_, cluster, expected) => {
  expect(await played(cluster)).toEqual({ ended: 'started', asked: expected });
});

it('an anchor that is ending and yet there does not make the task begin anew: its container may run', async () => {
  expect(await played({ seen: noted, armed: anchorObject(ENDING) })).toMatchObject({ ended: 'started' });
});

it.each<[string, Cluster]>([
  ['the Job', { seen: noted, reads: [undefined], conflicts: 1 }],
  ['the Job, as the watch shows, too', { seen: gone, reads: [jobObject(ENDING)] }],
  ['the Job, of which the watch shows nothing, either', { reads: [undefined] }],
  ['the Job, after a conflict', { reads: [young, undefined], conflicts: 1 }],
  ['the anchor, though the Job was let go', { seen: noted, armed: undefined }],
])('what is gone is lost: %s', async (_, cluster) => {
  expect(await played(cluster)).toMatchObject({ ended: 'ANCHOR_LOST' });
});
