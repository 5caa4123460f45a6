/**
 * Option 1: the dispatcher checks the status before it creates.
 *
 * Assumes that check and create are one moment. Price: one read per create. Broken by a create that takes longer than
 * the time from the check to the cancel: the same race, in a smaller window.
 */
import { naive } from './naive.ts';
import { killRoute } from './platform.ts';
import type { Baseline, Parts, Routes } from './protocol.ts';
import { isEnded } from './records.ts';

function dispatch(parts: Parts): Routes {
  const { records, jobs } = parts;
  return {
    ...killRoute(parts),
    '/execute': async (id) => {
      const status = records.status(id);
      if (status === undefined || isEnded(status)) return 'refused';
      await jobs.create(id);
      return 'created';
    },
  };
}

export const statusCheck: Baseline = {
  ...naive,
  name: 'status-check',
  title: 'Option 1: status check in the dispatcher',
  assumes: 'check and create are one moment',
  price: 'one read per create',
  dispatch,
};
