/** How long a follow bears what keeps its task, by its own clock. */
import { describe, expect, it } from 'vitest';
import { Patience } from '../../src/activities/patience.ts';
import type { Diagnosis } from '../../src/kubernetes/diagnosis.ts';
import { problem } from '../../src/errors.ts';

const slowImage: Diagnosis = { is: 'waiting', problem: problem('IMAGE_UNAVAILABLE', 'slow'), patienceMs: 60_000 };
const noNode = (resource: string): Diagnosis => ({
  is: 'waiting',
  problem: problem('UNSCHEDULABLE', 'none', { resource }),
  patienceMs: 30_000,
});

describe('patience with what keeps a task', () => {
  it('ends when the same has lasted too long, and says so of the same Pod', () => {
    const patience = new Patience();
    const pod = { name: 'pod-1', phase: 'Pending' };
    expect(patience.bear({ ...slowImage, pod }, 1_000)).toEqual({ ...slowImage, pod });
    expect(patience.bear({ ...slowImage, pod }, 61_000)).toEqual({ ...slowImage, pod });
    expect(patience.bear({ ...slowImage, pod }, 61_001)).toEqual({ is: 'failed', pod, problem: slowImage.problem });
  });

  it('counts a problem from when it was seen first, also if there was nothing to say in between', () => {
    const patience = new Patience();
    patience.bear(slowImage, 0);
    expect(patience.bear({ is: 'waiting' }, 30_000)).toEqual({ is: 'waiting' });
    expect(patience.bear(slowImage, 60_001).is).toBe('failed');
  });

  it('begins anew with another problem, also if only the resource is another', () => {
    const patience = new Patience();
    patience.bear(noNode('cpu'), 0);
    expect(patience.bear(noNode('memory'), 31_000).is).toBe('waiting');
    expect(patience.bear(slowImage, 62_000).is).toBe('waiting');
  });

  it('has no end where none is named', () => {
    const patience = new Patience();
    const taken: Diagnosis = { is: 'waiting', problem: problem('EVICTED', 'taken') };
    patience.bear(taken, 0);
    expect(patience.bear(taken, 86_400_000)).toEqual(taken);
  });
});
