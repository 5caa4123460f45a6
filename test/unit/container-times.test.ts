import type { V1ContainerState, V1Pod } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { ContainerTimes } from '../../src/kubernetes/container-times.ts';

const SECOND = 1_000;
const date = (seconds: number): Date => new Date(seconds * SECOND);
const running = (from: number): V1ContainerState => ({ running: { startedAt: date(from) } });
const ran = (from: number, to: number): V1ContainerState => ({
  terminated: { exitCode: 0, startedAt: date(from), finishedAt: date(to) },
});

function pod(uid: string, main: V1ContainerState, init?: V1ContainerState): V1Pod {
  const status = (name: string, state: V1ContainerState) =>
    ({ name, state, image: '', imageID: '', ready: false, restartCount: 0 }) as const;
  return {
    metadata: { uid },
    status: {
      containerStatuses: [status('main', main)],
      ...(init && { initContainerStatuses: [status('init', init)] }),
    },
  };
}

function secondsAfter(moment: number, ...looks: readonly (readonly [number, ...V1Pod[]])[]): number {
  const times = new ContainerTimes();
  for (const [now, ...pods] of looks) times.look(pods, now * SECOND);
  return times.secondsAfter(moment * SECOND);
}

describe('container-seconds after a moment', () => {
  it('are what Kubernetes says of the end, if it was seen', () => {
    expect(secondsAfter(10, [11, pod('a', running(0))], [20, pod('a', ran(0, 13))], [30])).toBe(3);
  });

  it('go to the first look that finds the Pod gone, if its end was not seen', () => {
    expect(secondsAfter(10, [11, pod('a', running(0))], [15], [30])).toBe(5);
  });

  it('go to the last look while nobody has seen an end', () => {
    expect(secondsAfter(10, [11, pod('a', running(0))], [18, pod('a', running(0))])).toBe(8);
  });

  it('are 0 for what ended before, and for what never ran', () => {
    const never: V1ContainerState = { terminated: { exitCode: 137, finishedAt: date(14) } };
    expect(secondsAfter(10, [11, pod('a', ran(0, 9))], [12, pod('b', { waiting: {} })], [13, pod('c', never)])).toBe(0);
  });

  it('count from the start of what started later, and every container of every Pod', () => {
    expect(secondsAfter(10, [20, pod('a', ran(12, 20), ran(9, 12)), pod('b', ran(0, 11))])).toBe(8 + 2 + 1);
  });
});
