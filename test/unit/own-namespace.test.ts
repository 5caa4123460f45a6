/** A worker with another namespace than the one in which a task was made says nothing of it, and above all not "released". */
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import type { Deps } from '../../src/activities/deps.ts';
import { createActivities } from '../../src/activities/index.ts';
import { ANCHOR, RUN } from './cluster-objects.ts';

const JOB = { namespace: ANCHOR.namespace, name: ANCHOR.name, uid: 'job-uid' };
// It has nothing else: whatever it asked of its cluster would be another error.
const activities = createActivities({ api: { namespace: 'another' } } as unknown as Deps);

it.each<[string, () => Promise<unknown>]>([
  ['admit', () => activities.admit(ANCHOR, { tenant: '', priority: 3 })],
  ['reserve', () => activities.reserve(ANCHOR)],
  ['start', () => activities.start(ANCHOR, JOB)],
  ['queue', () => activities.queue(ANCHOR, JOB)],
  ['follow', () => activities.follow(ANCHOR, JOB)],
  ['release', () => activities.release({ run: RUN, anchor: ANCHOR, settled: true })],
])('%s is left to a worker of that namespace', async (_, verb) => {
  const failure = { type: 'OTHER_NAMESPACE', nonRetryable: false, message: expect.stringMatching(/ns.*another/) };
  await expect(new MockActivityEnvironment().run(verb)).rejects.toMatchObject(failure);
});
