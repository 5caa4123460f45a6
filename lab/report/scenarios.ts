/** One case from submit to cancel (or force) and its answers. What comes of it is the oracle's and the judge's. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from '../protocols/protocol.ts';
import type { FaultDesk, FaultedRequest, PlannedFault } from './faults.ts';
import type { Answered, Scenario } from './observation.ts';
import type { Oracle } from './oracle.ts';
import { uniform } from './random.ts';

/** A cancel that is not settled by then is answered `cancelling`, as any HTTP API would, and goes on. Milliseconds. */
const PATIENCE_MS = 5_000;
/** The longest that a create is held after its cancel. */
const HOLD_MS = 45_000;
/** How long a cancel may take to be settled after that. */
export const SETTLE_MS = 60_000;
const REACH_MS = 60_000;

export interface CaseTools {
  readonly stage: Stage;
  readonly oracle: Oracle;
  readonly desk: FaultDesk;
  readonly seed: string;
  /** From submit to the first Pod, when nothing is in the way. Milliseconds. */
  readonly windowMs: number;
}

export interface CaseName {
  readonly scenario: Scenario;
  readonly index: number;
  readonly id: string;
  readonly faulted: FaultedRequest;
}

/** Absolute times. */
export interface Course {
  readonly submittedAt: number;
  readonly faulted?: { readonly request: FaultedRequest; readonly at: number };
  readonly letGoAt?: number;
  readonly cancelAt: number;
  readonly firstAnswer?: Answered;
  readonly lastAnswer?: Answered;
}

type Chance = (what: string) => number;

/** Everything but D, whose cases share one death of the processes. */
export async function play(tools: CaseTools, name: CaseName): Promise<Course> {
  const chance: Chance = (what) => uniform(tools.seed, name.scenario, name.index, what);
  switch (name.scenario) {
    case 'A':
      return playCalm(tools, name, chance);
    case 'B':
    case 'L':
      return playHeld(tools, name, chance);
    case 'C':
      return playCut(tools, name);
    case 'E':
      return playForced(tools, name, chance);
    case 'D':
      throw new TypeError('cases of D are played together');
  }
}

async function playCalm({ stage, windowMs }: CaseTools, { id }: CaseName, chance: Chance): Promise<Course> {
  const submittedAt = Date.now();
  await stage.submit(id);
  await sleep(Math.max(0, submittedAt + chance('moment') * 1.5 * windowMs - Date.now()));
  return { submittedAt, ...(await cancelled(stage, id)) };
}

async function playHeld({ stage, desk }: CaseTools, { id, faulted, scenario }: CaseName, chance: Chance) {
  const plan = desk.hold(id, faulted);
  const submittedAt = Date.now();
  await stage.submit(id);
  const at = await reached(plan);
  await sleep(100 + chance('moment') * 1_000);
  return { submittedAt, faulted: { request: faulted, at }, ...(await cancelled(stage, id, { plan, scenario })) };
}

async function playCut({ stage, desk }: CaseTools, { id, faulted }: CaseName): Promise<Course> {
  const plan = desk.cut(id, faulted);
  const submittedAt = Date.now();
  await stage.submit(id);
  const at = await reached(plan);
  await sleep(1_000);
  return { submittedAt, faulted: { request: faulted, at }, ...(await cancelled(stage, id)) };
}

async function playForced({ stage, oracle }: CaseTools, { id }: CaseName, chance: Chance): Promise<Course> {
  const submittedAt = Date.now();
  await stage.submit(id);
  await until('its container to run', () => oracle.runs(id));
  await sleep(chance('moment') * 1_000);
  const cancelAt = Date.now();
  await stage.force(id);
  return { submittedAt, cancelAt };
}

/** D: all creates are on the wire, the processes are killed and restarted, then each is cancelled at its own moment. */
export async function playKilled({ stage, desk, seed }: CaseTools, names: readonly CaseName[]): Promise<Course[]> {
  const begun = await Promise.all(
    names.map(async ({ id, faulted }) => {
      const plan = desk.hold(id, faulted);
      const submittedAt = Date.now();
      await stage.submit(id);
      return { plan, submittedAt, faulted: { request: faulted, at: await reached(plan) } };
    }),
  );
  await stage.kill();
  await stage.restart();
  return Promise.all(
    begun.map(async ({ plan, ...rest }, at) => {
      const { id = '', index = 0 } = names[at] ?? {};
      await sleep(uniform(seed, 'D', index, 'moment') * 2_000);
      return { ...rest, ...(await cancelled(stage, id, { plan, scenario: 'D' })) };
    }),
  );
}

type Ended = Pick<Course, 'cancelAt' | 'letGoAt' | 'firstAnswer' | 'lastAnswer'>;

/** Cancels; lets the held request go at the first answer (B), or at the last (L, D). */
async function cancelled(
  stage: Stage,
  id: string,
  held?: { readonly plan: PlannedFault; readonly scenario: Scenario },
): Promise<Ended> {
  const cancelAt = Date.now();
  const settling = stage.cancel(id).then<Answered>((answer) => ({ at: Date.now(), answer }));
  const first = await Promise.race([settling, unanswered()]);
  if (held?.scenario !== 'B') await Promise.race([settling, sleep(held === undefined ? 0 : HOLD_MS)]);
  const letGoAt = Date.now();
  held?.plan.letGo.open();
  const last = await Promise.race([settling, sleep(SETTLE_MS)]);
  return {
    cancelAt,
    firstAnswer: first,
    ...(held !== undefined && { letGoAt }),
    ...(last !== undefined && { lastAnswer: last }),
  };
}

async function unanswered(): Promise<Answered> {
  await sleep(PATIENCE_MS);
  return { at: Date.now(), answer: 'cancelling' };
}

async function reached(plan: PlannedFault): Promise<number> {
  let at: number | undefined;
  void plan.reached.opened.then(() => (at = Date.now()));
  await until(`its ${plan.request} to be sent`, () => at !== undefined);
  return at ?? Date.now();
}

export async function until(what: string, holds: () => boolean, limitMs = REACH_MS): Promise<void> {
  for (const limit = Date.now() + limitMs; !holds(); await sleep(20))
    if (Date.now() > limit) throw new Error(`waited ${limitMs / 1_000} s in vain for ${what}`);
}
