/** `holdfast cancel ID`: asks for a task's end and waits for the true answer. */
import type { TaskClient } from '../../client.ts';
import type { CancelAnswer } from '../../contract.ts';
import { reasonProblems } from '../reason.ts';
import { refusedInput } from '../refused-input.ts';
import { withClient } from '../session.ts';
import { exitOf, showAnswer } from '../show/answer.ts';
import { stderr, stdout } from '../terminal.ts';
import { type Display, displayOn, watch } from '../watch.ts';

export interface CancelWords {
  readonly reason?: string;
  readonly wait: boolean;
  readonly json?: boolean;
}

/** As shells say it: 128 plus the number of SIGINT. */
const LEFT = 130;

export async function cancel(taskId: string, { reason = '', wait, json }: CancelWords): Promise<number> {
  const problems = reasonProblems(reason);
  if (problems.length > 0) throw refusedInput(...problems);
  return withClient(async (client) => {
    const answer = wait ? await watched(client, taskId, reason) : await client.cancel(taskId, { reason, wait: false });
    if (json) stdout.line(JSON.stringify({ taskId, answer }));
    else (answer === 'unknown_task' ? stderr : stdout).line(showAnswer(taskId, answer));
    return exitOf(answer);
  });
}

async function watched(client: TaskClient, taskId: string, reason: string): Promise<CancelAnswer> {
  const display = displayOn(stderr);
  let isRecorded = false;
  process.once('SIGINT', () => {
    display.end();
    stderr.line(`Left. ${showAnswer(taskId, isRecorded ? 'cancelling' : 'unanswered')}`);
    process.exit(LEFT);
  });
  // The answer comes when all is over; until then the task's own record tells whether the cancel has arrived.
  const show: Display['show'] = (view, keeps) => {
    isRecorded = view.cancelRequested;
    display.show(view, keeps);
  };
  const answer = client.cancel(taskId, { reason, wait: true });
  return watch(client, taskId, { ...display, show }, answer).finally(() => display.end());
}
