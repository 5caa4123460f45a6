/**
 * Option 5: the dispatcher reserves and answers; the worker confirms; a cancel may come between the phases.
 *
 * At its best, and so here, confirming takes the reservation in one atomic step, in the dispatcher's own table, and
 * reports its create there. (Holdfast is this option with the reservation in the same store as the Job: the suspended
 * Job is the reservation, and the compare-and-set on it is the confirmation.)
 *
 * Assumes that the dispatcher always comes back to report, and that a create never lands after its caller has given
 * up. Price: one more call per task; a cancel waits for the dispatcher. Broken by a create that lands later.
 */
import { naive } from './naive.ts';
import { killRoute } from './platform.ts';
import type { Baseline, Parts, Routes } from './protocol.ts';
import { cancelTaken, issue, takeAndCreate } from './taken.ts';

async function work({ records, dispatcher }: Parts, id: string): Promise<void> {
  if (!records.move(id, ['pending', 'provisioning'], 'provisioning')) return;
  if ((await dispatcher.post('/reserve', id)) !== 'reserved') return;
  if ((await dispatcher.post('/confirm', id)) === 'created') records.move(id, ['provisioning'], 'running');
}

function dispatch(parts: Parts): Routes {
  return {
    ...killRoute(parts),
    '/reserve': async (id) => {
      await issue(parts.table, id);
      return 'reserved';
    },
    '/confirm': (id) => takeAndCreate(parts, parts.table, id),
  };
}

export const twoPhase: Baseline = {
  ...naive,
  name: 'two-phase',
  title: 'Option 5: reserve, then confirm',
  assumes: 'the dispatcher always comes back to report; no create lands after its caller has given up',
  price: 'one more call per task; a cancel waits for the dispatcher',
  work,
  dispatch,
  cancel: (parts, id) => cancelTaken(parts, parts.table, id),
};
