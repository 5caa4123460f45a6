/** What is made of a Job that was started and is suspended again. */
import type { V1PodStatus } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { endedByItself } from '../../src/activities/release-run.ts';
import { diagnoseSuspension } from '../../src/kubernetes/diagnosis.ts';
import { anchorObject, ENDING, jobObject, podObject } from './cluster-objects.ts';

const suspended = jobObject();
const podIn = (phase: string, meta = {}) => podObject({ phase } satisfies V1PodStatus, meta);

describe('a Job that was started and is suspended again', () => {
  it.each([
    ['has no Pod left', []],
    ['has a Pod that still runs', [podIn('Running')]],
    ['has a Pod that is being ended', [podIn('Running', ENDING)]],
    ['has a Pod that was ended, as badly as it may', [podIn('Failed', ENDING)]],
    ['has a Pod that was ended, and said that all is well', [podIn('Succeeded', ENDING)]],
  ])('and %s was taken away by the platform', (_, pods) => {
    const diagnosis = diagnoseSuspension({ job: suspended, pods });
    expect(diagnosis).toMatchObject({ is: 'failed', problem: { code: 'EVICTED', facts: { disruption: 'Suspended' } } });
    expect(endedByItself({ anchor: anchorObject(), job: suspended, pods })).toBeUndefined();
  });

  it.each([
    ['well', podIn('Succeeded'), 'succeeded'],
    ['badly', podIn('Failed'), { code: 'EVICTED' }],
  ])('and whose Pod had ended %s before is what its Pod says', (_, pod, ending) => {
    expect(diagnoseSuspension({ job: suspended, pods: [pod] })).toBeUndefined();
    const found = endedByItself({ anchor: anchorObject(), job: suspended, pods: [pod] });
    if (typeof ending === 'string') expect(found).toBe(ending);
    else expect(found).toMatchObject(ending);
  });
});

it('a Job that was taken back and let go again has no second run', () => {
  const again = jobObject({ generation: 4 }, { suspend: false });
  expect(diagnoseSuspension({ job: again, pods: [podIn('Running')] })).toMatchObject({ problem: { code: 'EVICTED' } });
  expect(diagnoseSuspension({ job: again, pods: [podIn('Succeeded')] })).toBeUndefined();
});

describe('a Job that runs, is being deleted, or is gone', () => {
  it.each([
    ['runs', jobObject({ generation: 2 }, { suspend: false })],
    ['runs, and was changed by others before that', jobObject({ generation: 3 }, { suspend: false })],
    ['is being deleted', jobObject(ENDING)],
    ['is gone', undefined],
  ])('and %s is not suspended again', (_, job) => expect(diagnoseSuspension({ job, pods: [] })).toBeUndefined());
});
