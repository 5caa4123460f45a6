/** Release as a pure function: properties over every small world, and every world played to its end. */
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEnding, isTerminal, nextReleaseStep, type ReleaseStep, type RunWorld } from '../../src/fence.ts';
import { anchorObject, ENDING, jobObject, podObject } from './cluster-objects.ts';

const TRACKING = 'batch.kubernetes.io/job-tracking';

type Seen = 'absent' | 'there' | 'ending';
const seen = () => fc.constantFrom<Seen>('absent', 'there', 'ending');
const phase = () => fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown', undefined);

const pods = (): fc.Arbitrary<readonly V1Pod[]> =>
  fc.array(fc.record({ phase: phase(), ending: fc.boolean(), tracked: fc.boolean() }), { maxLength: 3 }).map((list) =>
    list.map(({ phase, ending, tracked }, index) => {
      const finalizers = tracked ? { finalizers: [TRACKING] } : {};
      const meta = { name: `pod-${index}`, uid: `pod-uid-${index}`, ...finalizers, ...(ending && ENDING) };
      return podObject(phase === undefined ? {} : { phase }, meta);
    }),
  );

const world = (): fc.Arbitrary<RunWorld> =>
  fc.record({
    anchor: seen().map((is) => (is === 'absent' ? undefined : anchorObject(is === 'ending' ? ENDING : {}))),
    job: fc
      .record({ is: seen(), suspend: fc.boolean(), end: fc.constantFrom('Complete', 'Failed', 'Suspended') })
      .map(({ is, suspend, end }) =>
        is === 'absent' ? undefined : jobOf(is === 'ending' ? ENDING : {}, suspend, end),
      ),
    pods: pods(),
  });

function jobOf(meta: object, suspend: boolean, condition: string): V1Job {
  return { ...jobObject(meta, { suspend }), status: { conditions: [{ type: condition, status: 'True' }] } };
}

const uids = ({ anchor, job, pods }: RunWorld) => [anchor, job, ...pods].map((object) => object?.metadata?.uid);

describe('release', () => {
  it('says released only when anchor and Job are gone and no Pod may still run', () => {
    fc.assert(
      fc.property(world(), (world) => {
        const nothingLives = !world.anchor && !world.job && world.pods.every(isTerminal);
        expect(nextReleaseStep(world).do === 'say released').toBe(nothingLives);
      }),
      { numRuns: 2_000 },
    );
  });

  it('never names a uid that was not read, nor deletes what is being deleted already', () => {
    fc.assert(
      fc.property(world(), (world) => {
        const step = nextReleaseStep(world);
        if (!('uid' in step)) return;
        expect(uids(world)).toContain(step.uid);
        const named = [world.anchor, world.job, ...world.pods].find((object) => object?.metadata?.uid === step.uid);
        expect(isEnding(named ?? {})).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('deletes the Job before its anchor, on the version that was read, so that what was judged is what is deleted', () => {
    fc.assert(
      fc.property(world(), (world) => {
        const step = nextReleaseStep(world);
        if (world.job !== undefined && !isEnding(world.job))
          expect(step).toMatchObject({ do: 'delete job', uid: 'job-uid', resourceVersion: '7' });
        else if (world.anchor !== undefined && !isEnding(world.anchor))
          expect(step).toEqual({ do: 'delete anchor', uid: 'anchor-uid' });
      }),
    );
  });

  it('takes the Pods of a Job along only if it makes no other, and they have ended, all of them', () => {
    fc.assert(
      fc.property(world(), (world) => {
        const step = nextReleaseStep(world);
        if (step.do !== 'delete job') return;
        const [condition] = world.job?.status?.conditions ?? [];
        const hasSucceeded = world.pods.some(({ status }) => status?.phase === 'Succeeded');
        const isOver = (condition?.type !== 'Suspended' || hasSucceeded) && world.pods.every(isTerminal);
        const left = world.pods.filter((pod) => !isEnding(pod)).map(({ metadata }) => metadata?.uid);
        expect(step.ended?.map(({ uid }) => uid)).toEqual(isOver ? left : undefined);
        // A Pod that is tracked when its Job is gone may never be let go.
        const isTracked = world.pods.some(({ metadata }) => metadata?.finalizers?.includes(TRACKING));
        expect(step.propagation).toBe(isOver && !isTracked ? 'Background' : 'Foreground');
      }),
      { numRuns: 2_000 },
    );
  });

  it('says what it waits for', () => {
    const running = podObject({ phase: 'Running' });
    expect(nextReleaseStep({ anchor: anchorObject(ENDING), job: undefined, pods: [] })).toMatchObject({ do: 'wait' });
    const step = nextReleaseStep({ anchor: undefined, job: jobObject(ENDING), pods: [running] });
    expect(step).toEqual({ do: 'wait', for: 'Pod pod-1' });
  });

  it('deletes a Pod that has outlived its Job, by its own uid', () => {
    const stray = podObject({ phase: 'Running' });
    const step = nextReleaseStep({ anchor: undefined, job: undefined, pods: [stray] });
    expect(step).toEqual({ do: 'delete pod', name: 'pod-1', uid: 'pod-uid' });
  });

  it('refuses to act on an object without a uid rather than delete by name', () => {
    const { metadata: { uid: _, ...meta } = {}, ...job } = jobObject();
    expect(() => nextReleaseStep({ anchor: undefined, job: { ...job, metadata: meta }, pods: [] })).toThrow(TypeError);
  });

  it('comes to its end from every world, in a bounded number of steps, whatever vanishes meanwhile', () => {
    fc.assert(
      fc.property(world(), fc.infiniteStream(fc.nat({ max: 2 })), (start, choices) => {
        let world = start;
        for (let steps = 0; steps < 40; steps += 1) {
          const step = nextReleaseStep(world);
          if (step.do === 'say released') return;
          world = after(world, step, choices.next().value ?? 0);
        }
        throw new Error('release did not end');
      }),
    );
  });
});

/** What the cluster does meanwhile: deletes take effect, and what is ending goes, one by one. */
function after(world: RunWorld, step: ReleaseStep, choice: number): RunWorld {
  switch (step.do) {
    case 'delete job':
      if (step.propagation === 'Background') return { ...world, job: undefined };
      return { ...world, job: jobObject(ENDING), pods: world.pods.map(ended) };
    case 'delete anchor':
      return { ...world, anchor: anchorObject(ENDING) };
    case 'delete pod':
      return { ...world, pods: world.pods.map((pod) => (pod.metadata?.uid === step.uid ? ended(pod) : pod)) };
    case 'wait':
      return withoutOne(world, choice);
    case 'say released':
      return world;
  }
}

function ended(pod: V1Pod): V1Pod {
  return { ...pod, metadata: { ...pod.metadata, ...ENDING } };
}

function withoutOne(world: RunWorld, choice: number): RunWorld {
  if (choice === 0 && world.anchor) return { ...world, anchor: undefined };
  if (choice === 1 && world.job) return { ...world, job: undefined, pods: world.pods };
  if (world.pods.length > 0) return { ...world, pods: world.pods.slice(1) };
  return world.anchor ? { ...world, anchor: undefined } : { ...world, job: undefined };
}
