/**
 * Option 2: dispatcher and cancel handler hold a lock around check + create, and around kill + "cancelled". Assumes
 * that the lock outlives every pause of its holder, that a holder dies only with nothing on its way, and that a create
 * never lands after its caller has given up. Without expiry a dead holder blocks every cancel for ever.
 */
import type { Budget } from '../world.ts';
import type { Option, Steps } from './platform.ts';
import { answer, createsJob, ended, kill, killSteps, cancelled, set } from './platform.ts';

const dispatcher: Steps = (world, emit) => {
  const { local } = world;
  if (local.dispatcher === 'received' && local.lock === '')
    emit('Dispatcher takes the lock', set(world, { dispatcher: 'locked', lock: 'dispatcher' }));
  if (local.dispatcher === 'locked') {
    if (ended(local))
      emit(`Dispatcher checks status (${local.status}) and refuses`, unlocked(answer(world, 'refused'), 'dispatcher'));
    else emit(`Dispatcher checks status (${local.status}): go on`, set(world, { dispatcher: 'checked' }));
  }
  if (local.dispatcher === 'checked') createsJob(world, emit, (next) => set(next, { dispatcher: 'made' }));
  if (local.dispatcher === 'made')
    emit('Dispatcher gives the lock back and answers', unlocked(answer(world, 'created'), 'dispatcher'));
};

const handler: Steps = (world, emit) => {
  const { local } = world;
  if (local.handler === 'asked' && local.lock === '')
    emit('Cancel handler takes the lock', set(world, { handler: 'locked', lock: 'handler' }));
  if (local.handler === 'locked') {
    if (ended(local))
      emit(`Cancel handler checks status (${local.status})`, unlocked(set(world, { handler: 'over' }), 'handler'));
    else if (local.status === 'pending')
      emit('Cancel handler updates status to "cancelled"', unlocked(cancelled(world), 'handler'));
    else emit(`Cancel handler checks status (${local.status}), tries kill`, kill(world));
  }
  killSteps(world, emit, local.lock === 'handler' ? { lock: '' } : {});
};

type W = Parameters<Steps>[0];

/** Gives back the lock if it still holds it. */
function unlocked(world: W, holder: 'dispatcher' | 'handler'): W {
  return world.local.lock === holder ? set(world, { lock: '' }) : world;
}

const expiry: Steps = (world, emit) => {
  const { left } = world;
  if (left.expiry === 0 || world.local.lock === '') return;
  emit(`The lock of the ${world.local.lock} expires while its holder is held up`, {
    ...set(world, { lock: '' }),
    left: { ...left, expiry: left.expiry - 1 },
  });
};

export function creationLock(budget: Budget): Option {
  return { name: 'creation lock', budget, dispatcher, handler, others: expiry };
}
