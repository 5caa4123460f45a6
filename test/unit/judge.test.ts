import type { V1ObjectMeta } from '@kubernetes/client-node';
import {
  array,
  assert,
  boolean,
  constant,
  constantFrom,
  integer,
  oneof,
  option,
  property,
  record,
  uniqueArray,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANNOTATION, fencedMetadata, LABEL } from '../../src/fence.ts';
import { runsOf } from '../../src/sweeper/find.ts';
import { type FoundRun, isTooMany, judge, type SweepRules } from '../../src/sweeper/judge.ts';
import type { TaskStanding } from '../../src/task-standing.ts';

const rules: SweepRules = { ownNamespaceId: 'ours', minAgeSeconds: 30, maxPercent: 50 };
const found: FoundRun = {
  run: 'hf-a',
  taskId: 'a',
  runId: 'r',
  temporalNamespaceId: 'ours',
  uids: ['1', '2'],
  kinds: ['anchor', 'job'],
  ageSeconds: 31,
};
const STANDINGS: readonly TaskStanding[] = ['open', 'closed', 'absent', 'unknown'];

describe('a run', () => {
  it.each(STANDINGS)('that names another Temporal is kept, though the task is %s here', (standing) => {
    const other = { ...found, temporalNamespaceId: 'another' };
    expect(judge(other, standing, rules, other)).toEqual({ do: 'keep', because: 'of another Temporal' });
  });

  it.each([29.9, 0, -5, Number.NaN])('is kept at an age of %d s, whatever becomes of its task', (ageSeconds) => {
    const young = { ...found, ageSeconds };
    expect(judge(young, 'closed', rules, young)).toEqual({ do: 'keep', because: 'too young' });
  });

  it.each([
    ['open', 'task is open'],
    ['unknown', 'Temporal is not sure'],
  ] as const)('of a task that is %s is kept, however often it was suspected', (standing, because) => {
    expect(judge(found, standing, rules, found)).toEqual({ do: 'keep', because });
  });

  it.each(['closed', 'absent'] as const)('of a task that is %s is removed at the second look', (standing) => {
    const reason = `task ${standing}`;
    expect(judge(found, standing, rules, undefined)).toEqual({ do: 'suspect', reason });
    expect(judge(found, standing, rules, found)).toEqual({ do: 'remove', reason });
  });

  it.each([
    ['an object came', ['1', '2', '3']],
    ['an object went', ['1']],
    ['an object was made anew', ['1', '9']],
  ])('is looked at once more when meanwhile %s', (_, uids) => {
    expect(judge(found, 'closed', rules, { ...found, uids })).toMatchObject({ do: 'suspect' });
  });
});

it('refuses when more than the stated share would go, but never for a few', () => {
  expect([9, 10, 10, 51].map((suspects, i) => isTooMany(suspects, [9, 20, 19, 100][i] ?? 0, rules))).toEqual([
    false,
    false,
    true,
    true,
  ]);
  expect(isTooMany(500, 500, { ...rules, maxPercent: 100 })).toBe(false);
});

const NOW = new Date('2026-01-01T12:00:00Z');
const FLAWS = {
  none: (metadata: V1ObjectMeta) => metadata,
  'the label alone': ({ name, uid, creationTimestamp, labels }: V1ObjectMeta) => ({
    name,
    uid,
    creationTimestamp,
    labels: { [LABEL.managedBy]: labels?.[LABEL.managedBy] },
  }),
  'no annotations': lacking('annotations'),
  'no run id': without('annotations', ANNOTATION.runId),
  'no task id': without('annotations', ANNOTATION.taskId),
  'no Temporal': without('annotations', ANNOTATION.temporalNamespaceId),
  'no task label': without('labels', LABEL.task),
  'no run label': without('labels', LABEL.run),
  "somebody else's manager": without('labels', LABEL.managedBy),
  'a copy under another name': (metadata: V1ObjectMeta) => ({ ...metadata, name: `${metadata.name}-copy` }),
  "another task's id": (metadata: V1ObjectMeta) => ({
    ...metadata,
    annotations: { ...metadata.annotations, [ANNOTATION.taskId]: 'not mine' },
  }),
  'no owner': lacking('ownerReferences'),
  "a stranger's uid for its owner": (metadata: V1ObjectMeta) => ({
    ...metadata,
    ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: metadata.name ?? '', uid: 'a stranger' }],
  }),
  'an owner of another kind': (metadata: V1ObjectMeta) => ({
    ...metadata,
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: metadata.name ?? '', uid: 'c' }],
  }),
} as const;
type Flaw = keyof typeof FLAWS;
/** An anchor has no owner, so these are no flaws of one. */
const ONLY_OF_JOBS: readonly Flaw[] = ['no owner', "a stranger's uid for its owner", 'an owner of another kind'];

function lacking(part: keyof V1ObjectMeta) {
  return (metadata: V1ObjectMeta): V1ObjectMeta =>
    Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== part));
}

function without(where: 'labels' | 'annotations', name: string) {
  return (metadata: V1ObjectMeta) => {
    const { [name]: _, ...rest } = metadata[where] ?? {};
    return { ...metadata, [where]: rest };
  };
}

const flaw = oneof(
  { weight: 3, arbitrary: constant<Flaw>('none') },
  { weight: 1, arbitrary: constantFrom(...(Object.keys(FLAWS) as Flaw[])) },
);
const age = oneof(integer({ min: -10, max: 100 }), constantFrom(29, 30, 31));
const someRun = record({
  task: integer({ min: 0, max: 8 }),
  attempt: integer({ min: 1, max: 3 }),
  temporal: constantFrom('ours', 'ours', 'theirs'),
  anchor: option(record({ flaw, age })),
  job: option(record({ flaw, age })),
});
const cluster = record({
  runs: uniqueArray(someRun, { selector: ({ task, attempt }) => `${task}/${attempt}`, maxLength: 12 }),
  standings: array(constantFrom(...STANDINGS), { minLength: 9, maxLength: 9 }),
  seenBefore: array(boolean(), { minLength: 9, maxLength: 9 }),
});

function objectOf(
  kind: 'anchor' | 'job',
  { task, attempt, temporal }: { task: number; attempt: number; temporal: string },
  { flaw, age }: { flaw: Flaw; age: number },
): { object: V1ObjectMeta; uid: string } {
  const metadata = fencedMetadata(temporal, { taskId: `task ${task}`, runId: 'r', attempt }, 'command', 'hash');
  const uid = `${kind} ${task}/${attempt}`;
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: metadata.name, uid: `anchor ${task}/${attempt}` };
  const creationTimestamp = new Date(NOW.getTime() - age * 1_000);
  const whole = { ...metadata, uid, creationTimestamp, ...(kind === 'job' && { ownerReferences: [owner] }) };
  return { object: FLAWS[flaw](whole) as V1ObjectMeta, uid };
}

describe('whatever stands in the cluster', () => {
  it('only what is ours, old enough, and without an open task is removed, and all of that is', () => {
    assert(
      property(cluster, ({ runs, standings, seenBefore }) => {
        const [anchors, jobs]: [V1ObjectMeta[], V1ObjectMeta[]] = [[], []];
        const wanted: string[] = [];
        for (const run of runs) {
          const parts = (['anchor', 'job'] as const).flatMap((kind) => {
            const part = run[kind];
            if (part === null) return [];
            const { object, uid } = objectOf(kind, run, part);
            (kind === 'anchor' ? anchors : jobs).push(object);
            const isFlawed = part.flaw !== 'none' && (kind === 'job' || !ONLY_OF_JOBS.includes(part.flaw));
            return [{ kind, uid, age: part.age, flaw: part.flaw, isFlawed }];
          });
          const anchorStands = parts.some(({ kind, isFlawed }) => kind === 'anchor' && !isFlawed);
          // Of a Job whose anchor is gone nobody can say whose uid its owner has; its marks are what there is.
          const ours = parts.filter(
            ({ isFlawed, flaw }) => !isFlawed || (flaw === "a stranger's uid for its owner" && !anchorStands),
          );
          const standing = standings[run.task] ?? 'unknown';
          const isOld = ours.every(({ age }) => age >= rules.minAgeSeconds);
          const isOver = standing === 'closed' || standing === 'absent';
          if (run.temporal === 'ours' && isOld && isOver && seenBefore[run.task])
            wanted.push(...ours.map(({ uid }) => uid));
        }
        const { runs: seen, strangers } = runsOf({ anchors, jobs, at: NOW });
        const removed = seen.flatMap((one) => {
          const task = Number(one.taskId.split(' ')[1]);
          const verdict = judge(one, standings[task] ?? 'unknown', rules, seenBefore[task] ? one : undefined);
          return verdict.do === 'remove' ? one.uids : [];
        });
        expect(removed.toSorted()).toEqual(wanted.toSorted());
        expect(strangers + seen.flatMap(({ uids }) => uids).length).toBe(anchors.length + jobs.length);
      }),
      { numRuns: 2_000, seed: 5 },
    );
  });
});
