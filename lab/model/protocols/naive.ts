/** T0 to T8 of background/orphan-race.txt. Assumes that no cancel comes while the call to the dispatcher is on its way. */
import type { Budget } from '../world.ts';
import type { Option, Steps } from './platform.ts';
import { answer, createsJob, plainHandler } from './platform.ts';

export const naiveDispatcher: Steps = (world, emit) => {
  if (world.local.dispatcher === 'received') createsJob(world, emit, (next) => answer(next, 'created'));
};

export function naive(budget: Budget): Option {
  return { name: 'naive', budget, dispatcher: naiveDispatcher, handler: plainHandler };
}
