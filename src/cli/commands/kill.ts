/** `holdfast kill`: ends a task, or many, without their worker. */
import { createInterface } from 'node:readline/promises';
import { hostname, userInfo } from 'node:os';
import type { DirectKillOptions, HoldfastClient, TaskClient } from '../../client.ts';
import { EXIT, HoldfastError } from '../../errors.ts';
import type { KillCandidate } from '../../kill/contract.ts';
import { paced } from '../../paced.ts';
import { failureOf } from '../failure.ts';
import { type KillMeaning, killMeaning, type KillWords } from '../kill-words.ts';
import { withClient, withTemporal } from '../session.ts';
import { showFailure } from '../show/failure.ts';
import { exitOfKill, showCandidates, showKill } from '../show/kill.ts';
import { counted } from '../show/text.ts';
import { stderr, stdout } from '../terminal.ts';

/** Tasks that are killed at the same time. */
const AT_ONCE = 8;

interface Order extends DirectKillOptions {
  readonly json: boolean;
}

export async function kill(taskId: string | undefined, words: KillWords): Promise<number> {
  const meaning = killMeaning(taskId, words, process.stdin.isTTY && stderr.isTerminal);
  const { reason = '', json = false } = words;
  const wait = meaning.waitSeconds === undefined ? {} : { waitSeconds: meaning.waitSeconds };
  const order = { reason, by: whoKills(), json, ...wait };
  return meaning.of === 'one'
    ? explainingAway(withClient, (client: TaskClient) => killOne(client, meaning.taskId, order))
    : explainingAway(withOnlyTemporal, (client) => killMany(client, meaning, order));
}

const MANY_NOT_OVER_HTTP =
  'Which tasks a filter means is read from Kubernetes, and a gateway does not look there: over HTTP a task is killed by its id.';

const withOnlyTemporal = (use: (client: HoldfastClient) => Promise<number>) => withTemporal(MANY_NOT_OVER_HTTP, use);

/** Only of a connection that did not come about is it known that nothing was ended. */
async function explainingAway<C>(
  connect: (use: (client: C) => Promise<number>) => Promise<number>,
  use: (client: C) => Promise<number>,
): Promise<number> {
  let isConnected = false;
  try {
    return await connect((client) => {
      isConnected = true;
      return use(client);
    });
  } catch (error) {
    throw isConnected ? error : explained(error);
  }
}

/** That Kubernetes could be reached is no help then, though people who kill would hope so. */
function explained(error: unknown): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'TEMPORAL_UNREACHABLE') return error;
  const why = 'Nothing was ended: whatever a kill removed, the workflow would run the task anew.';
  return new HoldfastError(error.code, `${error.message} ${why}`, error.facts, { cause: error.cause });
}

async function killOne(client: TaskClient, taskId: string, { json, ...order }: Order): Promise<number> {
  const report = await client.kill(taskId, order);
  stdout.line(json ? JSON.stringify(report) : showKill(report));
  return exitOfKill(report.answer);
}

async function killMany(
  client: HoldfastClient,
  { filter, ask }: Extract<KillMeaning, { of: 'many' }>,
  order: Order,
): Promise<number> {
  const candidates = await client.killable(filter);
  if (ask === 'only list' && order.json) for (const candidate of candidates) stdout.line(JSON.stringify(candidate));
  if (candidates.length === 0) stderr.line('Kubernetes has nothing of such a task; nothing is to be killed.');
  else if (ask !== 'no' && !order.json)
    for (const line of showCandidates(candidates, Date.now())) (ask === 'yes' ? stderr : stdout).line(line);
  if (candidates.length === 0 || ask === 'only list') return EXIT.succeeded;
  if (ask === 'yes' && !(await isMeant(candidates.length))) {
    stderr.line('Nothing was killed.');
    return EXIT.succeeded;
  }
  return killAll(client, candidates, order);
}

async function isMeant(count: number): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Kill ${counted(count, 'task')}? Type yes: `).finally(() => terminal.close());
  return answer.trim() === 'yes';
}

/** The rest goes on when one cannot be killed; the worst that happened is the exit code. */
async function killAll(client: HoldfastClient, candidates: readonly KillCandidate[], order: Order): Promise<number> {
  return worstOf(await paced(candidates, { atOnce: AT_ONCE }, (candidate) => killAndTell(client, candidate, order)));
}

/** What went wrong before what is not proved. That some had ended by then is no failure: a filter names no task. */
export function worstOf(exits: readonly number[]): number {
  const harmless: readonly number[] = [EXIT.succeeded, EXIT.tooLate, EXIT.unproved];
  const failed = exits.find((exit) => !harmless.includes(exit));
  return failed ?? (exits.includes(EXIT.unproved) ? EXIT.unproved : EXIT.succeeded);
}

async function killAndTell(
  client: HoldfastClient,
  { taskId, firstRunId }: KillCandidate,
  { json, ...order }: Order,
): Promise<number> {
  try {
    return await killOne(client, taskId, { ...order, json, ...(firstRunId !== undefined && { firstRunId }) });
  } catch (error) {
    const failure = await failureOf(error);
    const { exit, trace: _, ...rest } = failure;
    if (json) stdout.line(JSON.stringify({ taskId, error: rest }));
    else stderr.line(showFailure(failure));
    return exit;
  }
}

/** As history shows it. A container may run under a number that has no name. */
function whoKills(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `${process.getuid?.() ?? 'somebody'}@${hostname()}`;
  }
}
