/**
 * Option 4: the dispatcher claims "creating" with SET NX and looks at cancel_requested before and after the create.
 *
 * As written, cancel sets the flag, tries its kill, and says "cancelled". At its best, it says so only when the claim
 * was free (and is now its own) or the dispatcher has reported. Assumes that the dispatcher always comes back to its
 * second look, and that a create never lands after its caller has given up.
 */
import type { Budget } from '../world.ts';
import type { Option, Steps } from './platform.ts';
import { answer, cancelled, createsJob, ended, kill, killSteps, plainHandler, set } from './platform.ts';
import { apply, jobNamed } from '../cluster.ts';

const dispatcher: Steps = (world, emit) => {
  const { local, cluster } = world;
  switch (local.dispatcher) {
    case 'received':
      if (local.token === '')
        emit('Dispatcher claims "creating" (SET NX)', set(world, { dispatcher: 'claimed', token: 'used' }));
      // Whether that one came as far as its create is not known: so create (the name is fixed), and look after it.
      else if (local.token === 'used')
        emit(
          'Dispatcher finds it claimed by a call before and goes on with the work',
          set(world, { dispatcher: 'checked' }),
        );
      else emit('Dispatcher finds it settled', answer(world, local.token === 'created' ? 'created' : 'refused'));
      return;
    case 'claimed':
      if (local.flag)
        emit(
          'Dispatcher looks at cancel_requested: set; it stops',
          answer(set(world, { token: 'stopped' }), 'refused'),
        );
      else emit('Dispatcher looks at cancel_requested: not set', set(world, { dispatcher: 'checked' }));
      return;
    case 'checked':
      createsJob(world, emit, (next) => set(next, { dispatcher: 'made' }));
      return;
    case 'made':
      if (local.flag) {
        const deleted = apply(cluster, {
          verb: 'delete job',
          name: 'J',
          uid: 0,
          version: 0,
          propagation: 'Foreground',
        });
        emit('Dispatcher looks at cancel_requested again: set; it deletes the Job', {
          ...set(world, { dispatcher: 'undoing' }),
          cluster: deleted.cluster,
        });
      } else
        emit(
          'Dispatcher looks at cancel_requested again: not set; it reports',
          answer(set(world, { token: 'created' }), 'created'),
        );
      return;
    case 'undoing':
      if (jobNamed(cluster, 'J')?.foreign !== false && cluster.pods.length === 0)
        emit('Dispatcher sees Job and Pods gone and reports', answer(set(world, { token: 'stopped' }), 'refused'));
  }
};

const flagFirst: Steps = (world, emit) => {
  const { local } = world;
  if (local.handler === 'asked' && !local.flag && !ended(local))
    emit('Cancel handler sets cancel_requested', set(world, { flag: true }));
  else plainHandler(world, emit);
};

const atBest: Steps = (world, emit) => {
  const { local } = world;
  if (local.handler === 'asked') {
    if (ended(local)) emit(`Cancel handler checks status (${local.status})`, set(world, { handler: 'over' }));
    else if (!local.flag) emit('Cancel handler sets cancel_requested', set(world, { flag: true }));
    else if (local.token === '')
      emit(
        'Cancel handler makes the free claim its own and says "cancelled"',
        cancelled(set(world, { token: 'invalid' })),
      );
    else if (local.token === 'invalid' || local.token === 'stopped')
      emit('Cancel handler reads that nothing was or will be created, and says "cancelled"', cancelled(world));
    else if (local.token === 'created') emit('Cancel handler reads that the Job was created, tries kill', kill(world));
    // 'used': it waits for the dispatcher's report.
  }
  killSteps(world, emit);
};

export function stateMachine(budget: Budget): Option {
  return { name: 'state machine, as written', budget, dispatcher, handler: flagFirst };
}

export function stateMachineAtBest(budget: Budget): Option {
  return { name: 'state machine, at its best', budget, dispatcher, handler: atBest };
}
