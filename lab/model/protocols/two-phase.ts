/**
 * Option 5: the dispatcher reserves and answers with an id; the worker confirms; cancel may come between.
 *
 * As written, confirming looks at the reservation and then creates. At its best it takes the reservation in one atomic
 * step, and a cancel that comes too late waits for the report. Assumptions as for the token: the reservation lives in
 * another store than the Job, so the create itself can still be late. (Holdfast is this option with the reservation
 * in the same store: the suspended Job is the reservation, and the compare-and-set on it is the confirmation.)
 */
import type { Budget } from '../world.ts';
import type { Option, Steps } from './platform.ts';
import { answer, createsJob, ended, kill, killSteps, cancelled, set } from './platform.ts';
import { cancelWithTaken, takes } from './request-token.ts';

const reserves: Steps = (world, emit) => {
  const { local } = world;
  if (local.dispatcher !== 'reserving') return;
  if (local.token === 'invalid' || ended(local)) emit('Dispatcher refuses to reserve', answer(world, 'refused'));
  else
    emit('Dispatcher reserves', answer(set(world, { token: local.token === '' ? 'valid' : local.token }), 'reserved'));
};

const asWritten: Steps = (world, emit) => {
  const { local } = world;
  reserves(world, emit);
  if (local.dispatcher === 'received') {
    if (local.token === 'valid') emit('Dispatcher finds the reservation', set(world, { dispatcher: 'checked' }));
    else emit('Dispatcher finds no reservation and refuses', answer(world, 'refused'));
  }
  if (local.dispatcher === 'checked') createsJob(world, emit, (next) => answer(next, 'created'));
};

const taking = takes('reservation');

const atBest: Steps = (world, emit) => {
  reserves(world, emit);
  taking(world, emit);
};

const cancelsReservation: Steps = (world, emit) => {
  const { local } = world;
  if (local.handler === 'asked') {
    if (ended(local)) emit(`Cancel handler checks status (${local.status})`, set(world, { handler: 'over' }));
    else if (local.status === 'pending') emit('Cancel handler updates status to "cancelled"', cancelled(world));
    else emit('Cancel handler withdraws the reservation', set(world, { handler: 'invalidated', token: 'invalid' }));
  }
  if (local.handler === 'invalidated') emit(`Cancel handler checks status (${local.status}), tries kill`, kill(world));
  killSteps(world, emit);
};

export function twoPhase(budget: Budget): Option {
  return { name: 'two-phase, as written', budget, dispatcher: asWritten, handler: cancelsReservation, twoPhase: true };
}

export function twoPhaseAtBest(budget: Budget): Option {
  return { name: 'two-phase, at its best', budget, dispatcher: atBest, handler: cancelWithTaken, twoPhase: true };
}
