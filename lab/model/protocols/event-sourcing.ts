/**
 * Option 6: requests and cancels are events in one stream; the dispatcher consumes them in order and commits an event
 * only when its work is done, so a consumer that died takes it up again.
 *
 * As written, "cancelled" is said when the event is in the stream. At its best, only when the dispatcher has consumed
 * it and seen Job and Pods gone. Assumes that the consumer lives (else no cancel is ever answered), and that a create
 * never lands after its caller has given up.
 */
import { apply, jobNamed } from '../cluster.ts';
import type { Budget } from '../world.ts';
import type { Option, Steps } from './platform.ts';
import { answer, cancelled, createsJob, ended, set } from './platform.ts';

const creates: Steps = (world, emit) => {
  const { local } = world;
  if (local.dispatcher === 'received') {
    if (local.token === 'stopped')
      emit('Dispatcher has consumed the cancel event before: it drops the request', answer(world, 'refused'));
    else emit('Dispatcher has seen no cancel event', set(world, { dispatcher: 'checked' }));
  }
  if (local.dispatcher === 'checked') createsJob(world, emit, (next) => answer(next, 'created'));
};

/** The cancel event's turn comes when the dispatcher is free. */
const consumesCancel: Steps = (world, emit) => {
  const { local, cluster } = world;
  if (local.dispatcher === 'idle' && local.flag && local.token !== 'stopped') {
    const deleted = apply(cluster, { verb: 'delete job', name: 'J', uid: 0, version: 0, propagation: 'Foreground' });
    const found = deleted.answer.code === 404 ? 'no Job is there' : 'it deletes the Job';
    emit(`Dispatcher consumes the cancel event: ${found}`, {
      ...set(world, { dispatcher: 'undoing' }),
      cluster: deleted.cluster,
    });
  }
  if (local.dispatcher === 'undoing' && jobNamed(cluster, 'J')?.foreign !== false && cluster.pods.length === 0)
    emit(
      'Dispatcher sees Job and Pods gone and commits the cancel event',
      set(world, { dispatcher: 'idle', token: 'stopped' }),
    );
};

const dispatcher: Steps = (world, emit) => {
  creates(world, emit);
  consumesCancel(world, emit);
};

const saysAtOnce: Steps = (world, emit) => {
  const { local } = world;
  if (local.handler !== 'asked') return;
  if (ended(local)) emit(`Cancel handler checks status (${local.status})`, set(world, { handler: 'over' }));
  else emit('Cancel handler appends the cancel event and says "cancelled"', cancelled(set(world, { flag: true })));
};

const saysWhenDone: Steps = (world, emit) => {
  const { local } = world;
  if (local.handler !== 'asked') return;
  if (ended(local)) emit(`Cancel handler checks status (${local.status})`, set(world, { handler: 'over' }));
  else if (!local.flag) emit('Cancel handler appends the cancel event', set(world, { flag: true }));
  else if (local.token === 'stopped')
    emit('Cancel handler reads that it is consumed and says "cancelled"', cancelled(world));
};

export function eventSourcing(budget: Budget): Option {
  return { name: 'event sourcing, as written', budget, dispatcher, handler: saysAtOnce };
}

export function eventSourcingAtBest(budget: Budget): Option {
  return { name: 'event sourcing, at its best', budget, dispatcher, handler: saysWhenDone };
}
