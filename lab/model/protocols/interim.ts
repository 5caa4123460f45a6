/**
 * The interim solution: naive, and a clean-up every five minutes that deletes Jobs of ended evaluations, and a listener
 * that does the same when a Job appears. Both look at the status and then delete by name. Assumes that the clean-up is
 * deployed (the background document says that it was not), that nobody reuses the name, and that five minutes of a
 * cancelled task's compute are acceptable.
 */
import { apply } from '../cluster.ts';
import { jobNamed } from '../cluster.ts';
import type { Budget } from '../world.ts';
import { naiveDispatcher } from './naive.ts';
import type { Option, Steps } from './platform.ts';
import { ended, plainHandler, set } from './platform.ts';

const cleanUp: Steps = (world, emit) => {
  const { local, cluster } = world;
  const job = jobNamed(cluster, 'J');
  if (local.cleaner === 0 && job !== undefined && !job.foreign && job.ending === '' && ended(local))
    emit(`Clean-up finds a Job of an evaluation that is "${local.status}"`, set(world, { cleaner: job.uid }));
  if (local.cleaner === 0) return;
  const deleted = apply(cluster, { verb: 'delete job', name: 'J', uid: 0, version: 0, propagation: 'Foreground' });
  emit('Clean-up deletes the Job of that name', { ...set(world, { cleaner: 0 }), cluster: deleted.cluster });
};

export function interim(budget: Budget): Option {
  return { name: 'interim clean-up', budget, dispatcher: naiveDispatcher, handler: plainHandler, others: cleanUp };
}
