/** What provision makes of an object that stands where its anchor would. */
import type { V1ConfigMap } from '@kubernetes/client-node';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import type { Deps } from '../../src/activities/deps.ts';
import { provision } from '../../src/activities/provision.ts';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import { anchorObject, NAMESPACE_ID, RUN } from './cluster-objects.ts';

function meets(found: V1ConfigMap): Promise<unknown> {
  const api = {
    namespace: 'ns',
    createAnchor: () => Promise.reject(new ApiError('conflict', 'it exists')),
    readAnchor: async () => found,
    listAnchors: async () => [],
    listJobs: async () => [],
  };
  const deps = { api, temporalNamespaceId: NAMESPACE_ID, pythonImage: 'python' } as unknown as Deps;
  const task = { workload: 'command', image: 'busybox', command: ['true'] } as const;
  return new MockActivityEnvironment().run(() => provision(deps, RUN, task));
}

it('one of its own that another version, or a worker with another image, has made is given up, and another attempt made', async () => {
  await expect(meets(anchorObject())).rejects.toMatchObject({ type: 'ANCHOR_LOST' });
});

it('one that is not of its task is a conflict', async () => {
  await expect(meets({ metadata: { name: 'theirs', uid: 'u' } })).rejects.toMatchObject({
    type: 'JOB_CONFLICT',
    nonRetryable: true,
  });
});
