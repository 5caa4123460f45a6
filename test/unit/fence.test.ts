import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunRef } from '../../src/contract.ts';
import {
  digest,
  fencedMetadata,
  isOfTask,
  LABEL,
  MAX_NAME,
  nextStartStep,
  ownedBy,
  QUEUE_LABEL,
  runName,
  standingAnchor,
  standingJob,
  taskLabel,
  wasLetGo,
} from '../../src/fence.ts';
import { ANCHOR, anchorObject, ENDING, jobObject, MARKS, NAMESPACE_ID, RUN } from './cluster-objects.ts';

const text = () => fc.string({ unit: 'binary', maxLength: 200 });
const run = (): fc.Arbitrary<RunRef> => fc.record({ taskId: text(), runId: text(), attempt: fc.nat({ max: 9 }) });

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_VALUE = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

describe('the name of a run', () => {
  it('is a DNS label and a label value of at most 63 characters, whatever the task is called', () => {
    fc.assert(
      fc.property(text(), run(), (namespace, run) => {
        const name = runName(namespace, run);
        expect(name.length).toBeLessThanOrEqual(MAX_NAME);
        expect(name).toMatch(DNS_LABEL);
        for (const value of Object.values(fencedMetadata(namespace, run, 'command', 'h').labels ?? {}))
          expect(value).toMatch(LABEL_VALUE);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['train-42', /^hf-train-42-[0-9a-f]{20}$/],
    ['Train 42!', /^hf-train-42-[0-9a-f]{20}$/],
    ['日本語', /^hf-[0-9a-f]{20}$/],
    ['---', /^hf-[0-9a-f]{20}$/],
    [`${'a'.repeat(37)}-b`, /^hf-a{37}-[0-9a-f]{20}$/],
    ['x'.repeat(200), /^hf-x{38}-[0-9a-f]{20}$/],
  ])('of task %s is readable first', (taskId, expected) => {
    expect(runName(NAMESPACE_ID, { ...RUN, taskId })).toMatch(expected);
  });

  it('is another for another namespace, task, run or attempt, however alike they look', () => {
    fc.assert(
      fc.property(text(), run(), text(), run(), (namespaceA, a, namespaceB, b) => {
        const same = JSON.stringify([namespaceA, a]) === JSON.stringify([namespaceB, b]);
        expect(runName(namespaceA, a) === runName(namespaceB, b)).toBe(same);
      }),
    );
    const alike = [
      RUN,
      { ...RUN, attempt: 2 },
      { ...RUN, runId: 'run-2' },
      { ...RUN, taskId: 'the-task' },
      { ...RUN, taskId: 'THE TASK' },
      { taskId: 'the taskrun', runId: '-1', attempt: 1 },
    ];
    const names = [...alike.map((run) => runName(NAMESPACE_ID, run)), runName('another', RUN)];
    expect(new Set(names).size).toBe(names.length);
  });

  it('is the same for the same run, in every process and for ever', () => {
    const run = { taskId: 'train 42', runId: '01a2', attempt: 1 };
    expect(runName('a-b-c', run)).toBe('hf-train-42-23f7276127fc9659afbc');
    expect(taskLabel('a-b-c', 'train 42')).toBe('0a34598a040658ed13fa49fba3fe4fcc643f2f40');
  });
});

describe('a digest', () => {
  it('does not depend on the order of keys, at any depth', () => {
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (value === null || typeof value !== 'object') return value;
      const entries = Object.entries(value).toReversed();
      return Object.fromEntries(entries.map(([key, item]) => [key, reversed(item)]));
    };
    fc.assert(fc.property(fc.jsonValue(), (value) => digest(reversed(value)) === digest(value)));
  });

  it('is the same after a round through JSON, as the anchor stores it', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => digest(JSON.parse(JSON.stringify(value))) === digest(value)));
    expect(digest({ a: undefined, b: 1 })).toBe(digest({ b: 1 }));
  });

  it('depends on everything else', () => {
    const values = [null, 0, '0', '', [], {}, [[]], ['a', 'b'], ['ab'], ['a,b'], { a: 1 }, { a: '1' }, { a: { b: 1 } }];
    expect(new Set(values.map(digest)).size).toBe(values.length);
    expect(digest([1, 2])).not.toBe(digest([2, 1]));
  });
});

describe('what stands under our name', () => {
  const other = fencedMetadata('another Temporal', RUN, 'command', 'hash');

  it.each([
    ['nothing', undefined, 'absent'],
    ['our anchor', anchorObject(), 'ours'],
    ['our anchor, being deleted', anchorObject(ENDING), 'ending'],
    ['a ConfigMap of somebody else', { metadata: { name: MARKS.name, uid: 'x' } }, 'foreign'],
    ['an anchor of another spec', anchorObject({ annotations: { 'holdfast.dev/spec-hash': 'other' } }), 'foreign'],
    ['our anchor without our label', anchorObject({ labels: {} }), 'foreign'],
  ] as const)('is told for %s', (_, found, standing) => {
    expect(standingAnchor(found, 'hash')).toBe(standing);
  });

  it.each([
    ['nothing', undefined, 'absent'],
    ['our Job', jobObject(), 'ours'],
    ['our Job, started meanwhile', jobObject({}, { suspend: false }), 'ours'],
    ['our Job, being deleted', jobObject(ENDING), 'ending'],
    ['a Job without owner', jobObject({ ownerReferences: [] }), 'foreign'],
    [
      'a Job of an anchor of the same name, made anew',
      jobObject({ ownerReferences: [ownedBy({ name: MARKS.name, uid: 'new' })] }),
      'foreign',
    ],
    ['a Job of another spec', jobObject({ annotations: { 'holdfast.dev/spec-hash': 'other' } }), 'foreign'],
  ] as const)('is told for %s, of a Job', (_, found, standing) => {
    expect(standingJob(found, ANCHOR, 'hash')).toBe(standing);
  });

  it('is of a task only if manager, run and task are all its own', () => {
    const [run, task] = [MARKS.name, taskLabel(NAMESPACE_ID, RUN.taskId)];
    expect(isOfTask(anchorObject(), run, task)).toBe(true);
    expect(isOfTask(undefined, run, task)).toBe(false);
    for (const label of [LABEL.managedBy, LABEL.run, LABEL.task]) {
      const { [label]: _, ...labels } = MARKS.labels ?? {};
      expect(isOfTask({ metadata: { labels } }, run, task)).toBe(false);
    }
    expect(isOfTask({ metadata: other }, run, task)).toBe(false);
  });
});

describe('start', () => {
  const ours = { namespace: 'ns', name: MARKS.name, uid: 'job-uid' };

  it('patches our suspended Job on the resourceVersion that was read', () => {
    expect(nextStartStep(jobObject(), ours)).toEqual({ do: 'patch', uid: 'job-uid', resourceVersion: '7' });
  });

  it('does nothing to a Job that is started', () => {
    expect(nextStartStep(jobObject({}, { suspend: false }), ours)).toMatchObject({ do: 'nothing' });
  });

  it('hands a Job to Kueue once, and not one that Kueue has let go', () => {
    const labels = { ...MARKS.labels, [QUEUE_LABEL]: 'team-a' };
    expect(nextStartStep(jobObject(), ours, 'team-a')).toMatchObject({ do: 'patch', resourceVersion: '7' });
    expect(nextStartStep(jobObject({ labels }), ours, 'team-a')).toMatchObject({ because: 'already queued' });
    expect(nextStartStep(jobObject({ labels }, { suspend: false }), ours, 'team-a')).toMatchObject({
      because: 'already started',
    });
    expect(nextStartStep(jobObject({ ...ENDING, labels }), ours, 'team-a')).toMatchObject({ do: 'give up' });
  });

  it.each([
    ['as it was born', { generation: 1 }, true, false],
    ['being deleted', { ...ENDING, generation: 2 }, true, false],
    ['let go', { generation: 2 }, false, true],
    ['let go and taken back', { generation: 3 }, true, true],
  ])('shows on a Job that is %s whether it may have made Pods', (_, meta, suspend, expected) =>
    expect(wasLetGo(jobObject(meta, { suspend }))).toBe(expected),
  );

  it('never patches a Job that is absent, another, or being deleted', () => {
    const found = fc.option(
      fc.record({ uid: fc.constantFrom('job-uid', 'other'), ending: fc.boolean(), suspend: fc.boolean() }),
      { nil: undefined },
    );
    fc.assert(
      fc.property(found, (found) => {
        const job = found && jobObject({ uid: found.uid, ...(found.ending && ENDING) }, found);
        const step = nextStartStep(job, ours);
        const mayRun = found !== undefined && found.uid === 'job-uid' && !found.ending;
        expect(step.do).toBe(!mayRun ? 'give up' : found.suspend ? 'patch' : 'nothing');
      }),
    );
  });
});
