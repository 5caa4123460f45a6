/** Plays one task of a soak: sends it, does to it what its part says, and sees what became of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Outcome } from '../../src/contract.ts';
import { HoldfastError } from '../../src/errors.ts';
import { taskLabel } from '../../src/fence.ts';
import { taskOf } from '../bench/ground.ts';
import type { Stage } from '../stage/stage.ts';
import type { Eyes, Glimpse } from '../sweep/eyes.ts';
import type { Answer, Seen } from './judge.ts';
import type { Part, Sight } from './parts.ts';

export interface PlayGround {
  readonly stage: Stage;
  readonly eyes: Eyes;
  readonly image: string;
  readonly temporalId: string;
}

export interface Played extends Seen {
  readonly taskId: string;
  /** Seconds: from being sent to the outcome, from the request to its answer, from the outcome until nothing was left. */
  readonly toldIn: number;
  readonly answeredIn: number | undefined;
  readonly goneIn: number;
}

/** No outcome after this is none. Milliseconds. */
const LOST_MS = 600_000;
/** What Terminate leaves while the worker that follows is dead waits for two looks of the sweeper. Milliseconds. */
const QUIET_MS = 300_000;
/** How long a request that was not answered is repeated: servers are restarted, and slow after it. Milliseconds. */
const INSIST_MS = 180_000;

export interface Ears {
  /** A container of it runs, so many seconds after it was sent. */
  readonly runs: (seconds: number) => void;
  /** The outcome is there: the task is over for those who wait for it, if not for us. */
  readonly told: (outcome: Outcome | undefined) => void;
}

export async function play(ground: PlayGround, part: Part, ears: Ears): Promise<Played> {
  const { stage, eyes } = ground;
  const taskId = idOf(ground, part);
  const task = taskLabel(ground.temporalId, taskId);
  const limit = AbortSignal.timeout(LOST_MS);
  const since = Date.now();
  void eyes.when(task, () => isSighted('running', eyes.of(task))).then(() => ears.runs(secondsSince(since)));
  await insist(() => stage.client.start(commandOf(ground, part), { id: taskId }), limit);
  const ended = outcomeOf(stage, taskId, limit);
  const acted = act(ground, part, ended, limit);
  // Should the outcome be waited for in vain, that is what is told.
  acted.catch(() => undefined);
  const outcome = await ended;
  const toldIn = secondsSince(since);
  ears.told(outcome);
  const { answer, answeredIn } = outcome === undefined ? NOTHING : await acted;
  const told = await insist(() => eyes.now(task));
  const leftAfterQuiet = outcome === undefined ? [] : await leftOf(ground, taskId, task);
  const goneIn = secondsSince(since) - toldIn;
  const glimpses = eyes.of(task);
  // What Terminate leaves goes later than it is told.
  const { revision } = outcome === 'terminated' ? await insist(() => eyes.now(task)) : told;
  eyes.forget(task, taskId, revision);
  return { taskId, part, answer, outcome, told, glimpses, leftAfterQuiet, toldIn, answeredIn, goneIn };
}

/** Task ids are one namespace for all of a Temporal: the stage's own name keeps them apart. */
export function idOf({ stage }: Pick<PlayGround, 'stage'>, { number }: Pick<Part, 'number'>): string {
  return `soak-${number}-${stage.namespace.slice(-8)}`;
}

/** Undefined: none was told in time. */
async function outcomeOf({ client }: Stage, taskId: string, limit: AbortSignal): Promise<Outcome | undefined> {
  try {
    return (await insist(() => client.result(taskId, { signal: limit }), limit)).outcome;
  } catch (error) {
    if (limit.aborted) return undefined;
    throw error;
  }
}

function commandOf({ image }: PlayGround, { seconds }: Part): ReturnType<typeof taskOf> {
  return taskOf(image, ['sleep', String(seconds)]);
}

interface Acted {
  readonly answer: Answer | undefined;
  /** Seconds. */
  readonly answeredIn: number | undefined;
}

const NOTHING: Acted = { answer: undefined, answeredIn: undefined };

async function act(ground: PlayGround, part: Part, ended: Promise<unknown>, limit: AbortSignal): Promise<Acted> {
  if (part.act === 'none') return NOTHING;
  const task = taskLabel(ground.temporalId, idOf(ground, part));
  const sighted = ground.eyes.when(task, () => isSighted(part.sight, ground.eyes.of(task)));
  const isOver = await Promise.race([sighted.then(() => false), ended.then(() => true)]);
  if (isOver) return NOTHING;
  await sleep(part.delayMs);
  const since = Date.now();
  const answer = await insist(() => ask(ground, part, limit), limit);
  return { answer, answeredIn: secondsSince(since) };
}

function isSighted(sight: Sight, glimpses: readonly Glimpse[]): boolean {
  switch (sight) {
    case 'sent':
      return true;
    case 'anchor':
      return glimpses.length > 0;
    case 'job':
      return glimpses.some(({ kind }) => kind !== 'ConfigMap');
    case 'started':
      return glimpses.some(({ kind, live }) => kind === 'Pod' || live);
    case 'running':
    case 'ending':
      return glimpses.some(({ kind, live }) => kind === 'Pod' && live);
  }
}

async function ask(ground: PlayGround, part: Part, signal: AbortSignal): Promise<Answer> {
  const { client } = ground.stage;
  const taskId = idOf(ground, part);
  const reason = `soak: ${part.sight}`;
  if (part.act === 'cancel') return client.cancel(taskId, { reason, signal });
  if (part.act === 'kill') return (await client.kill(taskId, { reason, signal })).answer;
  try {
    await client.temporal.workflow.getHandle(taskId).terminate(reason);
    return 'terminated';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'not in time';
    throw error;
  }
}

/** What the API server has of the task when there was time enough for nothing to be there. */
async function leftOf({ stage, eyes }: PlayGround, taskId: string, task: string): Promise<readonly string[]> {
  const stop = new AbortController();
  const late = sleep(QUIET_MS, false, { signal: stop.signal });
  const gone = eyes.when(task, () => eyes.present(task).length === 0).then(() => true);
  const isGone = await Promise.race([gone, late]).finally(() => stop.abort());
  if (isGone) return [];
  const { anchors, jobs, pods } = await insist(() => stage.remains(taskId));
  return [...anchors, ...jobs, ...pods].map(({ metadata }) => metadata?.name ?? '');
}

function secondsSince(moment: number): number {
  return (Date.now() - moment) / 1_000;
}

/** Repeats what was not answered; a refusal that repeating does not change is thrown at once. */
async function insist<T>(ask: () => Promise<T>, limit?: AbortSignal): Promise<T> {
  for (const until = Date.now() + INSIST_MS; ; await sleep(500)) {
    try {
      return await ask();
    } catch (error) {
      const isAnswer = error instanceof HoldfastError && !MAY_PASS.has(error.code);
      if (isAnswer || limit?.aborted === true || Date.now() > until) throw error;
    }
  }
}

const MAY_PASS: ReadonlySet<string> = new Set(['KUBERNETES_UNREACHABLE', 'TEMPORAL_UNREACHABLE']);
