/** `holdfast run …`: starts a task and follows it to its end. */
import { constants } from 'node:os';
import type { StartedTask, TaskClient, TaskOutcome } from '../../client.ts';
import { EXIT } from '../../errors.ts';
import { type CheckedTask, checkedTask } from '../checked-task.ts';
import { readInputs } from '../input-files.ts';
import { Interrupts, type Leaving } from '../interrupts.ts';
import { patiently, withClient } from '../session.ts';
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
  const interrupts = new Interrupts();
  try {
    return await withClient(async (client) => {
      if (interrupts.cancelAsked) return nothingStarted();
      const started = await client.start(task, named);
      return options.detach ? detached(started, options) : await followed(client, started, interrupts, options);
    });
  } finally {
    interrupts.close();
  }
}

function nothingStarted(): number {
  stderr.line('Interrupted before anything was started.');
  return exitOfSignal('SIGINT');
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
  interrupts.onCancel(() => cancelInBackground(client, taskId, display));
  const left = interrupts.leaving.then((signal) => ({ left: signal }));
  // Else the question for the result, which Temporal answers when it has one, would keep us from leaving.
  const abort = new AbortController();
  const away = once(() => display.say('No answer; asking again. The task goes on meanwhile.'));
  const result = patiently(() => client.result(taskId, { signal: abort.signal }), away);
  const end = await watch(client, taskId, display, Promise.race([result, left]))
    .catch((error: unknown) => {
      display.say(`Task ${taskId} goes on without us; \`holdfast status ${taskId}\` shows it.`);
      throw error;
    })
    .finally(() => {
      abort.abort();
      display.end();
    });
  return 'left' in end ? leave(started, end.left, interrupts.cancelAsked, json) : tellEnding(started, end, json);
}

function once(tell: () => void): () => void {
  let told = false;
  return () => {
    if (!told) tell();
    told = true;
  };
}

function cancelInBackground(client: TaskClient, taskId: string, display: Display): void {
  display.say('Cancelling, and waiting until nothing of it runs. (Ctrl-C again: leave it to end in the background.)');
  client.cancel(taskId, { reason: 'Ctrl-C in holdfast run', wait: false }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    display.say(`The cancel could not be sent: ${why} \`holdfast cancel ${taskId}\` tries again.`);
  });
}

function leave(started: StartedTask, signal: Leaving, isCancelling: boolean, json = false): number {
  const { taskId } = started;
  if (json) stdout.line(JSON.stringify({ ...started, detached: true }));
  stderr.line(
    isCancelling
      ? `Left ${taskId}, which is being cancelled; \`holdfast status ${taskId}\` tells when it is settled.`
      : `Left ${taskId}, which goes on; \`holdfast status ${taskId}\` shows it, \`holdfast cancel ${taskId}\` ends it.`,
  );
  return exitOfSignal(signal);
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
