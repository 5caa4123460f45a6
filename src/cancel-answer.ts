import type { CancelAnswer, Outcome } from './contract.ts';
import type { TaskView } from './task-view.ts';

/** What whoever comes to end a task is told if it had ended by then. */
export const ALREADY = {
  succeeded: 'already_completed',
  failed: 'already_failed',
  cancelled: 'already_cancelled',
  terminated: 'already_terminated',
  timed_out: 'already_timed_out',
} as const satisfies Readonly<Record<Outcome, CancelAnswer>>;

/** `before`: it had ended when the cancel came. `now`: it ended after, perhaps because of it, perhaps by itself. */
export function answerOf(
  { outcome, started }: Pick<TaskView, 'outcome' | 'started'>,
  when: 'before' | 'now',
): CancelAnswer {
  if (outcome === undefined) return 'cancelling';
  if (outcome !== 'cancelled' || when === 'before') return ALREADY[outcome];
  return started ? 'cancelled_running' : 'cancelled_before_start';
}
