/** What a Pod has written is stored before its end is told: whoever hears of it may have the Pod deleted. */
import type { V1PodStatus } from '@kubernetes/client-node';
import { expect, it } from 'vitest';
import type { Deps } from '../../src/activities/deps.ts';
import { kept } from '../../src/activities/output.ts';
import { podObject } from './cluster-objects.ts';

const RUN = { task: 'task', run: 'run' };

/** With a log that comes when `arrive` is called. */
function scene() {
  const arrived = Promise.withResolvers<void>();
  const asked: string[] = [];
  const collector = {
    collect: ({ container }: { readonly container: string }) => {
      asked.push(container);
      return { drained: arrived.promise };
    },
  };
  return { deps: { collector } as unknown as Deps, asked, arrive: () => arrived.resolve() };
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
