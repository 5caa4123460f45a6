import type { CancelAnswer } from './contract.ts';
import type { TaskView } from './task-view.ts';

/** `before`: it had ended when the cancel came. `now`: it ended after, perhaps because of it, perhaps by itself. */
export function answerOf({ outcome, started }: TaskView, when: 'before' | 'now'): CancelAnswer {
  if (outcome === undefined) return 'cancelling';
  switch (outcome) {
    case 'succeeded':
      return 'already_completed';
    case 'failed':
      return 'already_failed';
    case 'terminated':
      return 'already_terminated';
    case 'timed_out':
      return 'already_timed_out';
    case 'cancelled':
      if (when === 'before') return 'already_cancelled';
      return started ? 'cancelled_running' : 'cancelled_before_start';
  }
}
