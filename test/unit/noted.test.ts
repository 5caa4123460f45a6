/** Where many are released at once: whose end has yet to be noted is waited for, and nobody else. */
import type { V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { untilNoted } from '../../src/activities/noted.ts';
import type { Deps } from '../../src/activities/deps.ts';
import { podObject } from './cluster-objects.ts';

const MS = 10_000;
const TRACKED = ['batch.kubernetes.io/job-tracking'];
const ofPhase = (phase: string, finalizers?: string[]): V1Pod => {
  const pod = podObject({ phase });
  return { ...pod, metadata: { ...pod.metadata, ...(finalizers && { finalizers }) } };
};

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

/** How often it waited for a change, each of which takes a second. */
async function waits(podsAt: (look: number) => readonly V1Pod[], stopping = new AbortController().signal) {
  let looks = 0;
  let waited = 0;
  const watch = {
    see: () => ({ job: undefined, pods: podsAt(looks++) }),
    changed: () => ({
      then: (go: () => void) => {
        waited += 1;
        vi.setSystemTime(Date.now() + 1_000);
        go();
      },
    }),
  };
  const deps = { watch, stopping } as unknown as Deps;
  await untilNoted(deps, 'run', MS, new AbortController().signal);
  return waited;
}

it('waits until the Job controller has let go of a Pod that has ended', async () => {
  expect(await waits((look) => [ofPhase('Succeeded', look < 3 ? TRACKED : [])])).toBe(3);
});

it('waits for no Pod that has not ended: it may never, or begin to run meanwhile', async () => {
  for (const phase of ['Pending', 'Running']) expect(await waits(() => [ofPhase(phase, TRACKED)])).toBe(0);
});

it('waits for nothing where there is no Pod, or none that is tracked, nor in a worker that stops', async () => {
  const stopped = AbortSignal.abort();
  expect(await waits(() => [])).toBe(0);
  expect(await waits(() => [ofPhase('Failed')])).toBe(0);
  expect(await waits(() => [ofPhase('Failed', TRACKED)], stopped)).toBe(0);
});

it('waits no longer than it may', async () => {
  expect(await waits(() => [ofPhase('Succeeded', TRACKED)])).toBe(MS / 1_000);
});
