/** What release says it found of a Job, by what it read and what became of its delete. */
import { setImmediate } from 'node:timers/promises';
import type { V1Job } from '@kubernetes/client-node';
import { expect, it, vi } from 'vitest';
import type { Deps } from '../../src/activities/deps.ts';
import { type RemoveDeps, type RemoveOptions, removeRun, WAITING } from '../../src/activities/remove-run.ts';
import { readBeforeDelete, shownBeforeDelete } from '../../src/activities/world.ts';
import { ApiError } from '../../src/kubernetes/api-error.ts';
import { ANCHOR, ENDING, anchorObject, jobObject, MARKS, NAMESPACE_ID, podObject, RUN } from './cluster-objects.ts';

const GRANTED = async () => true;
const NONE_THERE = async () => false;
const CONFLICT = async () => {
  throw new ApiError('conflict', 'the Job has changed');
};

/** The Job as it is read, one time after the other; in the end it is gone. */
function found(reads: readonly (V1Job | undefined)[], deleteJob: () => Promise<boolean>) {
  const left = [...reads];
  const api = {
    readAnchor: async () => undefined,
    readJob: async () => left.shift(),
    listPods: async () => [],
    deleteJob,
  };
  return remove(api, () => undefined);
}

/** With a watch that has always just changed, and shows this Job. */
function remove(api: object, shown: () => V1Job | undefined, options?: RemoveOptions) {
  const watch = { changed: async () => undefined, see: () => ({ job: shown(), pods: [] }) };
  const deps = { api, watch, temporalNamespaceId: NAMESPACE_ID, tellFreed: async () => undefined };
  const run = { taskId: RUN.taskId, runId: RUN.runId, name: MARKS.name };
  return removeRun(deps as unknown as RemoveDeps, run, new AbortController().signal, options);
}

const suspended = jobObject({ generation: 1 });
const started = jobObject({ generation: 2 }, { suspend: false });
const finished: V1Job = { ...started, status: { conditions: [{ type: 'Complete', status: 'True' }] } };
const takenBack = jobObject({ generation: 3 });
const ending = (suspend: boolean) => jobObject({ ...ENDING, generation: suspend ? 2 : 3 }, { suspend });

it.each<[string, readonly (V1Job | undefined)[], () => Promise<boolean>, string]>([
  ['was deleted as it was read', [suspended], GRANTED, 'suspended'],
  ['was deleted as it was read, and un-suspended after', [suspended, ending(false)], GRANTED, 'suspended'],
  ['is being deleted, suspended', [ending(true)], GRANTED, 'suspended'],
  ['is being deleted, started', [ending(false)], GRANTED, 'started'],
  ['was started', [started], GRANTED, 'started'],
  ['was started, and suspended again', [takenBack], GRANTED, 'started'],
  ['was started between read and delete', [suspended, started], CONFLICT, 'started'],
  ['changed between read and delete, and was gone', [suspended], CONFLICT, 'nothing'],
  ['was gone when it was to be deleted', [suspended], NONE_THERE, 'nothing'],
  ['is not there', [undefined], GRANTED, 'nothing'],
])('a Job that %s', async (_, reads, deleteJob, expected) => {
  let deletes = 0;
  // Only the first delete meets what the case says; what is left is deleted.
  const once = () => ((deletes += 1) === 1 ? deleteJob() : GRANTED());
  expect(await found(reads, once)).toBe(expected);
});

it('what was deleted is read again when the watch shows it gone, and only the read says so', async () => {
  const asked: string[] = [];
  const shown: (V1Job | undefined)[] = [started, started, undefined];
  const left = { anchor: [anchorObject(), undefined], job: [started, undefined] };
  const answer = <T>(what: string, value: T) => (asked.push(what), Promise.resolve(value));
  const api = {
    readAnchor: () => answer('read anchor', left.anchor.shift()),
    readJob: () => answer('read Job', left.job.shift()),
    listPods: () => answer('list Pods', []),
    deleteJob: () => answer('delete Job', true),
    deleteAnchor: () => answer('delete anchor', true),
  };
  const look = () => (asked.push('look'), shown.shift());
  expect(await remove(api, look)).toBe('started');
  const reading = ['read anchor', 'read Job', 'list Pods'];
  expect(asked).toEqual([...reading, 'delete Job', 'delete anchor', 'look', 'look', 'look', ...reading]);
});

function watchOf(job: V1Job | undefined, pods = [podObject({ phase: 'Succeeded' })]): Pick<Deps, 'watch'> {
  return { watch: { see: () => ({ job, pods }) } } as unknown as Pick<Deps, 'watch'>;
}

it('what has ended for certain is deleted by its uid, as the watch shows it, and read only to prove it gone', async () => {
  const asked: unknown[] = [];
  const gone = async (what: string) => (asked.push(`read ${what}`), undefined);
  const api = {
    readAnchor: () => gone('anchor'),
    readJob: () => gone('Job'),
    listPods: async () => (asked.push('list Pods'), []),
    deleteJob: async (_: string, preconditions: object) => (asked.push(preconditions), true),
    deleteAnchor: async (_: string, uid: string) => (asked.push(uid), true),
    deletePod: async (_: string, { uid }: { uid: string }) => (asked.push(uid), true),
  };
  const shown: (V1Job | undefined)[] = [started, undefined];
  const first = shownBeforeDelete(watchOf(started), ANCHOR);
  expect(await remove(api, () => shown.shift(), { first, byUid: true })).toBe('started');
  const { uid } = started.metadata ?? {};
  expect(asked).toEqual([{ uid }, 'pod-uid', ANCHOR.uid, 'read anchor', 'read Job', 'list Pods']);
});

it('a Job that has finished goes in the background, and its Pods with it, which the proof waits for', async () => {
  const asked: unknown[] = [];
  const pod = podObject({ phase: 'Succeeded' });
  const ending = podObject({ phase: 'Succeeded' }, ENDING);
  const left = { anchor: [undefined], job: [finished, undefined], pods: [[pod], [ending], []] };
  const answer = async <T>(what: unknown, value: T) => (asked.push(what), value);
  const api = {
    readAnchor: () => answer('read anchor', left.anchor.shift()),
    readJob: () => answer('read Job', left.job.shift()),
    listPods: () => answer('list Pods', left.pods.shift()),
    deleteJob: (_name: string, _read: object, _signal: AbortSignal, propagation: string) => answer(propagation, true),
    deletePod: (name: string) => answer(name, true),
  };
  expect(await remove(api, () => void asked.push('look'))).toBe('started');
  const reading = ['read anchor', 'read Job', 'list Pods'];
  expect(asked).toEqual([...reading, 'Background', 'pod-1', 'look', ...reading, 'look', ...reading]);
});

it('a Job whose Pod it has not accounted for yet keeps its name until its controller has let go of the Pod', async () => {
  const asked: unknown[] = [];
  const tracked = { finalizers: ['batch.kubernetes.io/job-tracking'] };
  const left = { job: [finished, ending(false), undefined], pods: [tracked, { ...tracked, ...ENDING }] };
  const api = {
    readAnchor: async () => undefined,
    readJob: async () => left.job.shift(),
    listPods: async () => left.pods.splice(0, 1).map((meta) => podObject({ phase: 'Succeeded' }, meta)),
    deleteJob: async (_name: string, _read: object, _signal: AbortSignal, how: string) => (asked.push(how), true),
    deletePod: async (name: string) => (asked.push(name), true),
  };
  await remove(api, () => undefined);
  expect([asked, left.job]).toEqual([['Foreground', 'pod-1'], []]);
});

it('a Pod that has ended, and that somebody keeps, is not waited for without end', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const begun = Date.now();
  const api = {
    readAnchor: async () => undefined,
    readJob: async () => undefined,
    listPods: async () => [podObject({ phase: 'Succeeded' }, ENDING)],
  };
  try {
    await remove(api, () => void vi.setSystemTime(Date.now() + 5_000));
    expect(Date.now() - begun).toBe(30_000);
  } finally {
    vi.useRealTimers();
  }
});

it('what stays is let go after four minutes, and much sooner where many wait, so that others have their turn', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const stuck = async (crowd: number) => {
    const leave = Array.from({ length: crowd }, () => WAITING.enter());
    const since = Date.now();
    const api = {
      readAnchor: async () => undefined,
      readJob: async () => (vi.setSystemTime(Date.now() + 5_000), ending(false)),
      listPods: async () => [],
    };
    await expect(remove(api, () => undefined)).rejects.toMatchObject({ code: 'STILL_RELEASING' });
    for (const each of leave) each();
    return (Date.now() - since) / 1_000;
  };
  expect([await stuck(0), await stuck(900)]).toEqual([245, 65]);
  vi.useRealTimers();
});

it('a Pod that has ended and whose Job is gone is deleted, too', async () => {
  const asked: unknown[] = [];
  const left = [[podObject({ phase: 'Failed' })], []];
  const api = {
    readAnchor: async () => undefined,
    readJob: async () => undefined,
    listPods: async () => left.shift(),
    deletePod: async (name: string) => (asked.push(name), true),
  };
  await remove(api, () => undefined);
  expect([asked, left]).toEqual([['pod-1'], []]);
});

it('a Job that was finished and yet is there, ending, is waited for', async () => {
  const reads = [finished, { ...finished, metadata: { ...finished.metadata, ...ENDING } }, undefined];
  let looks = 0;
  const api = {
    readAnchor: async () => undefined,
    readJob: async () => reads.shift(),
    listPods: async () => [],
    deleteJob: GRANTED,
  };
  await remove(api, () => ((looks += 1), undefined));
  expect([looks, reads]).toEqual([1, []]);
});

it('what may have ended by itself is read Job first: a Pod that ends meanwhile is not told as one that runs', async () => {
  const asked: string[] = [];
  let phase = 'Running';
  const api = {
    readJob: async () => {
      asked.push('read Job');
      await setImmediate();
      phase = 'Succeeded';
      return started;
    },
    listPods: async () => (asked.push('list Pods'), [podObject({ phase })]),
  };
  const reader = { api, temporalNamespaceId: NAMESPACE_ID } as unknown as Deps;
  const run = { taskId: RUN.taskId, runId: RUN.runId, name: MARKS.name };
  const { pods } = await readBeforeDelete(reader, run, ANCHOR, new AbortController().signal);
  expect(asked).toEqual(['read Job', 'list Pods']);
  expect(pods.map(({ status }) => status?.phase)).toEqual(['Succeeded']);
});

it.each([
  ['no Job', undefined, undefined],
  ['a Job that is being deleted', ending(false), undefined],
  ['a Job with another owner', { ...started, metadata: { ...started.metadata, ownerReferences: [] } }, undefined],
  ['a Job and not its Pod', started, []],
])('a watch that shows %s is no reason to delete anything', (_, job, pods) => {
  expect(shownBeforeDelete(watchOf(job, pods), ANCHOR)).toBeUndefined();
});
