/**
 * Option 3: the worker stores a token and sends it along; cancel invalidates it; the dispatcher validates it.
 *
 * As written, validate and create are two steps. At its best, the dispatcher takes the token in one atomic step
 * (GETDEL with a trace "used"), and a cancel that comes too late waits until the dispatcher has reported its create.
 * Assumes that the trace lives longer than any delay, that the dispatcher always comes back to report, and that a
 * create never lands after its caller has given up.
 */
import type { Budget } from '../world.ts';
import type { Option, Platform, Steps } from './platform.ts';
import { answer, cancelled, createsJob, ended, kill, killSteps, set } from './platform.ts';

const asWritten: Steps = (world, emit) => {
  const { local } = world;
  if (local.dispatcher === 'received') {
    if (local.token === 'valid') emit('Dispatcher validates the token: valid', set(world, { dispatcher: 'checked' }));
    else emit('Dispatcher validates the token: invalid; it refuses', answer(world, 'refused'));
  }
  if (local.dispatcher === 'checked') createsJob(world, emit, (next) => answer(next, 'created'));
};

const cancelAsWritten: Steps = (world, emit) => {
  const { local } = world;
  if (local.handler === 'asked') {
    if (ended(local)) emit(`Cancel handler checks status (${local.status})`, set(world, { handler: 'over' }));
    else if (local.status === 'pending') emit('Cancel handler updates status to "cancelled"', cancelled(world));
    else emit('Cancel handler invalidates the token', set(world, { handler: 'invalidated', token: 'invalid' }));
  }
  if (local.handler === 'invalidated') emit(`Cancel handler checks status (${local.status}), tries kill`, kill(world));
  killSteps(world, emit);
};

/** A call that finds it taken by an earlier one, whose dispatcher may be dead, goes on in its place. */
export const takes =
  (what: 'token' | 'reservation'): Steps =>
  (world, emit) => {
    const { local } = world;
    if (local.dispatcher === 'received') {
      if (local.token === 'valid')
        emit(`Dispatcher takes the ${what} in one step`, set(world, { dispatcher: 'checked', token: 'used' }));
      else if (local.token === 'used')
        emit(`Dispatcher finds the ${what} taken and goes on with the work`, set(world, { dispatcher: 'checked' }));
      else emit(`Dispatcher finds no valid ${what}`, answer(world, local.token === 'created' ? 'created' : 'refused'));
    }
    if (local.dispatcher === 'checked') createsJob(world, emit, (next) => set(next, { dispatcher: 'made' }));
    if (local.dispatcher === 'made')
      emit('Dispatcher reports that the Job was created', answer(set(world, { token: 'created' }), 'created'));
  };

export const cancelWithTaken: Steps = (world, emit) => {
  const { local } = world;
  if (local.handler === 'asked') {
    if (ended(local)) emit(`Cancel handler checks status (${local.status})`, set(world, { handler: 'over' }));
    else if (local.status === 'pending') emit('Cancel handler updates status to "cancelled"', cancelled(world));
    else if (local.token === '' || local.token === 'valid' || local.token === 'invalid')
      emit(
        'Cancel handler invalidates the token, which nobody has taken, and says "cancelled"',
        cancelled(set(world, { token: 'invalid' })),
      );
    else if (local.token === 'created') emit('Cancel handler reads that the Job was created, tries kill', kill(world));
    // 'used': it waits for the dispatcher's report.
  }
  killSteps(world, emit);
};

const expiry: Steps = (world, emit) => {
  const { local, left } = world;
  if (left.expiry === 0 || (local.token !== 'valid' && local.token !== 'used')) return;
  const was =
    local.token === 'valid'
      ? 'The token expires before the dispatcher has seen it'
      : 'The trace of the taken token expires';
  emit(was, { ...set(world, { token: '' }), left: { ...left, expiry: left.expiry - 1 } });
};

const issues = (local: Platform): Platform => (local.token === '' ? { ...local, token: 'valid' } : local);

export function requestToken(budget: Budget): Option {
  return {
    name: 'request token, as written',
    budget,
    dispatcher: asWritten,
    handler: cancelAsWritten,
    others: expiry,
    issues,
  };
}

export function requestTokenAtBest(budget: Budget): Option {
  return {
    name: 'request token, at its best',
    budget,
    dispatcher: takes('token'),
    handler: cancelWithTaken,
    others: expiry,
    issues,
  };
}
