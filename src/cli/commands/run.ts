/** `holdfast run …`: starts a task and follows it to its end. */
import { constants } from 'node:os';
import type { StartedTask, TaskClient, TaskOutcome } from '../../client.ts';
import { ERRORS, EXIT, isErrorCode } from '../../errors.ts';
import { type CheckedTask, checkedTask } from '../checked-task.ts';
import { failureOf } from '../failure.ts';
import { readInputs } from '../input-files.ts';
import { Interrupts, type Leaving } from '../interrupts.ts';
import { patiently, withClient } from '../session.ts';
import { type CancelTold, showAnswer } from '../show/answer.ts';
import { showEnding } from '../show/ending.ts';
import { painter } from '../show/text.ts';
import {
  commandDraft,
  type CommandOptions,
  evaluationDraft,
  type EvaluationOptions,
  fileSpec,
} from '../task-options.ts';
import { stderr, stdout } from '../terminal.ts';
import { type Display, displayOn, watch } from '../watch.ts';

export interface RunOptions {
  readonly id?: string;
  readonly priority?: string;
  readonly detach?: boolean;
  readonly json?: boolean;
}

export async function runEvaluation(options: EvaluationOptions & RunOptions): Promise<number> {
  const paths = [options.problems, options.samples].filter((path) => path !== undefined);
  const draft = evaluationDraft(options, await readInputs(paths));
  return run(await checkedTask(draft, options), options);
}

export async function runCommand(words: readonly string[], options: CommandOptions & RunOptions): Promise<number> {
  const paths = (options.file ?? []).flatMap((spec) => fileSpec(spec)?.host ?? []);
  const draft = commandDraft(options, words, await readInputs([...new Set(paths)]));
  return run(await checkedTask(draft, options), options);
}

async function run({ task, named }: CheckedTask, options: RunOptions): Promise<number> {
  return withClient(async (client) => {
    const interrupts = new Interrupts();
    try {
      const started = await client.start(task, { ...named, signal: interrupts.leaving }).catch(unlessLeft(interrupts));
      if (typeof started === 'string') return leaveStart(named.id, started);
      // Whoever pressed Ctrl-C meanwhile wants an end, and its answer.
      const isLeaving = options.detach && interrupts.cancel === undefined;
      return isLeaving ? detached(started, options) : await followed(client, started, interrupts, options);
    } finally {
      interrupts.close();
    }
  });
}

/** What ends because we leave is no failure. */
function unlessLeft(interrupts: Interrupts): (error: unknown) => Leaving {
  return (error) => {
    if (interrupts.left === undefined) throw error;
    return interrupts.left;
  };
}

/** The request may have landed all the same. */
function leaveStart(taskId: string | undefined, signal: Leaving): number {
  const [task, look] = taskId === undefined ? ['the task', 'list'] : [taskId, `status ${taskId}`];
  stderr.line(`Left. Whether ${task} was started is not known; \`holdfast ${look}\` shows it if it was.`);
  return exitOfSignal(signal);
}

function detached(started: StartedTask, { json }: RunOptions): number {
  const { taskId, isNew } = started;
  if (json) stdout.line(JSON.stringify({ ...started, detached: true }));
  else stdout.line(taskId);
  if (!json) stderr.line(isNew ? `Started; \`holdfast status ${taskId}\` shows it.` : alreadyThere(started));
  return EXIT.succeeded;
}

function alreadyThere({ taskId }: StartedTask): string {
  return `Task ${taskId} was there already, with exactly this input; nothing new was started.`;
}

async function followed(
  client: TaskClient,
  started: StartedTask,
  interrupts: Interrupts,
  { json }: RunOptions,
): Promise<number> {
  const { taskId, isNew } = started;
  const display = displayOn(stderr);
  display.say(isNew ? `Task ${taskId} started.` : alreadyThere(started));
  const signal = interrupts.leaving;
  interrupts.onCancel(() => requestCancel(client, taskId, display, signal));
  const away = once(() => display.say('No answer; asking again. The task goes on meanwhile.'));
  const result = patiently(() => client.result(taskId, { signal }), away, signal);
  const end = await watch(client, taskId, display, result)
    .catch(unlessLeft(interrupts))
    .catch((error: unknown) => {
      display.say(whatGoesOn(taskId, interrupts.cancel));
      throw error;
    })
    .finally(() => display.end());
  return typeof end === 'string' ? leave(started, end, interrupts.cancel, json) : tellEnding(started, end, json);
}

function once(tell: () => void): () => void {
  let told = false;
  return () => {
    if (!told) tell();
    told = true;
  };
}

async function requestCancel(
  client: TaskClient,
  taskId: string,
  display: Display,
  signal: AbortSignal,
): Promise<CancelTold> {
  display.say('Cancelling, and waiting until nothing of it runs. (Ctrl-C again: leave it to end in the background.)');
  try {
    return await client.cancel(taskId, { reason: 'Ctrl-C in holdfast run', wait: false, signal });
  } catch (error) {
    const { code, message } = await failureOf(error);
    const isRefused = isErrorCode(code) && ERRORS[code].kind === 'terminal';
    const next = isRefused ? 'leaves the task to itself' : 'asks again';
    if (!signal.aborted) display.say(`The cancel was not confirmed: ${message} Ctrl-C ${next}.`);
    return isRefused ? 'refused' : 'unanswered';
  }
}

function leave(started: StartedTask, signal: Leaving, cancel: CancelTold | undefined, json = false): number {
  const { taskId } = started;
  if (json) stdout.line(JSON.stringify({ ...started, detached: true }));
  stderr.line(`Left. ${whatGoesOn(taskId, cancel)}`);
  return exitOfSignal(signal);
}

function whatGoesOn(taskId: string, cancel: CancelTold | undefined): string {
  if (cancel !== undefined) return showAnswer(taskId, cancel);
  return `${taskId} goes on; \`holdfast status ${taskId}\` shows it, \`holdfast cancel ${taskId}\` ends it.`;
}

function tellEnding(started: StartedTask, outcome: TaskOutcome, json = false): number {
  if (json) stdout.line(JSON.stringify({ ...started, ...outcome }));
  else stdout.line(showEnding(started.taskId, outcome, painter(process.stdout)));
  return exitOfOutcome(outcome);
}

export function exitOfOutcome({ outcome }: TaskOutcome): number {
  if (outcome === 'succeeded') return EXIT.succeeded;
  return outcome === 'cancelled' ? EXIT.cancelled : EXIT.taskFailed;
}

/** As shells say it: 130 for Ctrl-C, 143 for SIGTERM. */
function exitOfSignal(signal: Leaving): number {
  return 128 + constants.signals[signal];
}
