/**
 * T0 to T8 of background/orphan-race.txt.
 *
 * Assumes that no cancel comes while a create is on its way. Price: none. Broken by any create that lands after the
 * kill has got its 404.
 */
import { cancel, killRoute, work } from './platform.ts';
import type { Baseline, Parts, Routes } from './protocol.ts';

export function dispatch(parts: Parts): Routes {
  return {
    ...killRoute(parts),
    '/execute': async (id) => {
      await parts.jobs.create(id);
      return 'created';
    },
  };
}

export const naive: Baseline = {
  name: 'naive',
  title: 'Naive: T0 to T8 of the background document',
  assumes: 'no cancel comes while a create is on its way',
  price: 'none',
  needsRedis: false,
  work,
  dispatch,
  cancel,
};
