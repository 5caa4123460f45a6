/**
 * Option 1: the dispatcher looks at the status before it creates. Assumes that check and create are one moment: nothing
 * holds the dispatcher, the network or the API server between the two.
 */
import type { Budget } from '../world.ts';
import type { Option, Steps } from './platform.ts';
import { answer, createsJob, ended, plainHandler, set } from './platform.ts';

const dispatcher: Steps = (world, emit) => {
  const { local } = world;
  if (local.dispatcher === 'received') {
    if (ended(local)) emit(`Dispatcher checks status (${local.status}) and refuses`, answer(world, 'refused'));
    else emit(`Dispatcher checks status (${local.status}): go on`, set(world, { dispatcher: 'checked' }));
  }
  if (local.dispatcher === 'checked') createsJob(world, emit, (next) => answer(next, 'created'));
};

export function statusCheck(budget: Budget): Option {
  return { name: 'status check', budget, dispatcher, handler: plainHandler };
}
