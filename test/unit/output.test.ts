/** What a Pod has written is stored before its end is told: whoever hears of it may have the Pod deleted. */
import type { V1ContainerStatus, V1Pod, V1PodStatus } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import type { Deps } from '../../src/activities/deps.ts';
import { collect, kept, resultOf } from '../../src/activities/output.ts';
import type { Source } from '../../src/logs/collector.ts';
import { podObject } from './cluster-objects.ts';

const RUN = { task: 'task', run: 'run' };

/** With a log that comes when `arrive` is called. */
function scene() {
  const arrived = Promise.withResolvers<boolean>();
  const asked: string[] = [];
  const collector = {
    collect: ({ container }: { readonly container: string }) => {
      asked.push(container);
      return { drained: arrived.promise };
    },
  };
  return { deps: { collector } as unknown as Deps, asked, arrive: () => arrived.resolve(true) };
}

function ended(phase: string): V1PodStatus {
  const state = { terminated: { exitCode: 3 } };
  return { phase, containerStatuses: [{ name: 'task', image: '', imageID: '', ready: false, restartCount: 0, state }] };
}

it('a Pod that has failed, however soon after it began: its log is waited for', async () => {
  const { deps, asked, arrive } = scene();
  const order: string[] = [];
  const told = kept(deps, RUN, podObject(ended('Failed'))).then(() => order.push('told'));
  await new Promise(setImmediate);
  order.push('arrived');
  arrive();
  await told;
  expect([asked, order]).toEqual([['task'], ['arrived', 'told']]);
});

it.each([
  ['that runs', podObject(ended('Running'))],
  ['that never was', undefined],
  ['in which no container has begun', podObject({ phase: 'Failed' })],
])('a Pod %s: there is nothing to wait for', async (_, pod) => {
  const { deps } = scene();
  await kept(deps, RUN, pod);
});

describe('a result', () => {
  const reading = { workload: 'evaluation', nonce: 'n' } as const;
  const of = (isWhole: boolean, isPatient: boolean) => {
    const collector = { collect: () => ({ drained: Promise.resolve(isWhole) }) };
    const logs = { lines: async function* () {}, writeResults: async () => undefined };
    const deps = { collector, logs } as unknown as Deps;
    return resultOf(deps, RUN, podObject(ended('Succeeded')), reading, isPatient);
  };

  it('is not called unreadable while the log may yet be read', async () => {
    await expect(of(false, true)).rejects.toMatchObject({ code: 'KUBERNETES_UNCLEAR' });
  });

  it.each([
    ['whose log is whole', true, true],
    ['that has been waited for long enough', false, false],
  ])('%s, and that lacks what it should have, is unreadable', async (_, isWhole, isPatient) => {
    expect(await of(isWhole, isPatient)).toMatchObject({ kind: 'failed', problem: { code: 'RESULT_UNREADABLE' } });
  });
});

describe('a container', () => {
  const running = {
    containerStatuses: [{ ...(ended('').containerStatuses?.[0] as V1ContainerStatus), state: { running: {} } }],
  };
  const sourceOf = (shown: readonly V1Pod[], listed: readonly V1Pod[], pod: V1Pod) => {
    const sources: Source[] = [];
    const collector = { collect: (source: Source) => (sources.push(source), { drained: Promise.resolve(true) }) };
    const watch = { see: () => ({ job: undefined, pods: shown }) };
    const api = { listPods: async () => listed };
    collect({ collector, watch, api } as unknown as Deps, RUN, pod);
    return sources[0] as Source;
  };

  it('that the watch has not heard of is as it was when its log was asked for', async () => {
    const pod = podObject(running);
    const source = sourceOf([], [pod], pod);
    expect([await source.ended(), await source.gone()]).toEqual([false, false]);
  });

  it('whose Pod the watch has shown, and shows no more, has ended and is gone', async () => {
    const shown = [podObject(running)];
    const source = sourceOf(shown, [], podObject(running));
    expect([await source.ended(), await source.gone()]).toEqual([false, false]);
    shown.pop();
    expect([await source.ended(), await source.gone()]).toEqual([true, true]);
  });

  it('that was read as ended has, though the watch lags behind', async () => {
    expect(await sourceOf([podObject(running)], [], podObject(ended('Succeeded'))).ended()).toBe(true);
  });
});
