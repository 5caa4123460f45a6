/** What a cancel is answered with: the sentence and the exit code. */
import type { CancelAnswer } from '../../contract.ts';
import { EXIT } from '../../errors.ts';

/** `unanswered`: the request may be on its way, recorded, or lost. `refused`: it was not recorded, and will not be. */
export type CancelTold = CancelAnswer | 'unanswered' | 'refused';

export function showAnswer(taskId: string, answer: CancelTold): string {
  switch (answer) {
    case 'unanswered':
      return `Whether the cancel of ${taskId} was recorded is not known; \`holdfast cancel ${taskId}\` asks again.`;
    case 'refused':
      return `${taskId} was not cancelled and goes on; \`holdfast status ${taskId}\` shows it.`;
    case 'cancelled_before_start':
      return `${taskId} is cancelled. It had not been started: no container of it ever ran, and none will.`;
    case 'cancelled_running':
      return `${taskId} is cancelled. It had been started; none of its containers runs, and none will.`;
    case 'cancelling':
      return `${taskId} is being cancelled. \`holdfast status ${taskId}\` tells when it is settled.`;
    case 'already_completed':
      return `Too late: ${taskId} had succeeded already. \`holdfast status ${taskId}\` shows its result.`;
    case 'already_failed':
      return `Too late: ${taskId} had failed already. \`holdfast status ${taskId}\` says why.`;
    case 'already_cancelled':
      return `${taskId} was cancelled before; none of its containers runs, and none will.`;
    case 'already_terminated':
      return `Too late: ${taskId} was terminated in Temporal; the sweeper removes what is left of it.`;
    case 'already_timed_out':
      return `Too late: ${taskId} had run into a timeout of Temporal's; the sweeper removes what is left of it.`;
    case 'unknown_task':
      return `There is no task ${taskId}. \`holdfast list\` shows what is there.`;
  }
}

/** 0 if the task is or will be cancelled; tooLate if it had ended otherwise. */
export function exitOf(answer: CancelAnswer): number {
  switch (answer) {
    case 'cancelled_before_start':
    case 'cancelled_running':
    case 'cancelling':
    case 'already_cancelled':
      return EXIT.succeeded;
    case 'unknown_task':
      return EXIT.unknownTask;
    case 'already_completed':
    case 'already_failed':
    case 'already_terminated':
    case 'already_timed_out':
      return EXIT.tooLate;
  }
}
