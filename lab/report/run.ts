/** Runs the cases of one protocol: a few at a time while they are busy, all of them while they are only watched. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { paced } from '../../src/paced.ts';
import type { Protocol, Stage } from '../protocols/protocol.ts';
import { FaultDesk } from './faults.ts';
import type { Ground } from './ground.ts';
import type { Observation, Scenario } from './observation.ts';
import { type CaseName, type CaseTools, type Course, play, playKilled, SETTLE_MS, until } from './scenarios.ts';
import { percentile } from './stats.ts';

/** Nothing has to happen any more; what is there after that stays. */
const QUIET_MS = 20_000;
/** Cases between submit and answer at the same time. */
const BUSY = 5;
const WARM_UPS = 5;

export interface Watching {
  readonly judged: (observation: Observation) => void;
  /** A case that could not be played, with the reason: it is in no number of the table. */
  readonly dropped: (name: CaseName, reason: string) => void;
}

export interface Wanted {
  readonly scenario: Scenario;
  readonly index: number;
}

export async function runCases(
  protocol: Protocol,
  ground: Ground,
  { wanted, seed }: { readonly wanted: readonly Wanted[]; readonly seed: string },
  watching: Watching,
): Promise<void> {
  const stage = await protocol.open(ground.surroundings);
  try {
    const desk = new FaultDesk(ground.proxy);
    const windowMs = await measureWindow(stage, ground);
    const tools: CaseTools = { stage, oracle: ground.oracle, desk, seed, windowMs };
    const names = wanted.map((item) => nameOf(protocol, item));
    const judging: Promise<void>[] = [];
    const watch = (name: CaseName, course: Course) => judging.push(look(protocol, tools, name, course, watching));
    await paced(
      names.filter(({ scenario }) => scenario !== 'D'),
      { atOnce: BUSY },
      (name) =>
        play(tools, name)
          .then((course) => watch(name, course))
          .catch((error: unknown) => watching.dropped(name, String(error))),
    );
    await Promise.all(judging);
    const killed = names.filter(({ scenario }) => scenario === 'D');
    if (killed.length > 0) {
      const courses = await playKilled(tools, killed).catch((error: unknown) => {
        for (const name of killed) watching.dropped(name, String(error));
        return [];
      });
      courses.forEach((course, at) => killed[at] !== undefined && watch(killed[at], course));
    }
    await Promise.all(judging);
  } finally {
    await stage.close();
  }
}

/** Every second case of Holdfast meets its fault on the request that lets a Job make Pods; others have no such one. */
function nameOf({ name }: Protocol, { scenario, index }: Wanted): CaseName {
  const id = `${randomUUID().slice(0, 6)}-${scenario.toLowerCase()}${String(index).padStart(4, '0')}`;
  return { scenario, index, id, faulted: name === 'holdfast' && index % 2 === 1 ? 'start' : 'create' };
}

/** From submit to the first Pod with nothing in the way: the median of a few, which also warms the programs up. */
async function measureWindow(stage: Stage, { oracle }: Ground): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < WARM_UPS; index += 1) {
    const id = `${randomUUID().slice(0, 6)}-w${String(index).padStart(4, '0')}`;
    const begun = Date.now();
    await stage.submit(id);
    await until('the first Pod of a warm-up', () => oracle.hasPod(id));
    times.push(Date.now() - begun);
    await stage.cancel(id);
    await oracle.remove(await oracle.live(id));
  }
  return percentile(times, 50);
}

/** Waits for the record's end and for quiet, looks, and takes away what is left. */
async function look(protocol: Protocol, tools: CaseTools, name: CaseName, course: Course, watching: Watching) {
  const { stage, oracle } = tools;
  try {
    const ended = await endOf(stage, name.id);
    const { letGoAt = 0, cancelAt } = course;
    const quietAt = Math.max(letGoAt, cancelAt, course.lastAnswer?.at ?? 0, ended?.at ?? 0) + QUIET_MS;
    await sleep(Math.max(0, quietAt - Date.now()));
    const live = await oracle.live(name.id);
    watching.judged(observationOf(protocol, oracle, name, course, ended, live));
    await oracle.remove(live);
  } catch (error) {
    watching.dropped(name, String(error));
  }
}

async function endOf(stage: Stage, id: string): Promise<{ at: number; as: string } | undefined> {
  for (const limit = Date.now() + SETTLE_MS; Date.now() < limit; await sleep(250)) {
    const as = await stage.ended(id);
    if (as !== undefined) return { at: Date.now(), as };
  }
  return undefined;
}

function observationOf(
  protocol: Protocol,
  oracle: Ground['oracle'],
  { scenario, index, id }: CaseName,
  course: Course,
  ended: { at: number; as: string } | undefined,
  live: { jobs: readonly unknown[]; pods: readonly unknown[] },
): Observation {
  const from = course.submittedAt;
  const now = Date.now();
  const { faulted, letGoAt, cancelAt, firstAnswer, lastAnswer } = course;
  const { jobs, pods } = oracle.seen(id);
  return {
    protocol: protocol.name,
    scenario,
    index,
    id,
    ...(faulted && { faulted: { ...faulted, at: faulted.at - from } }),
    ...(letGoAt !== undefined && { letGoAt: letGoAt - from }),
    cancelAt: cancelAt - from,
    ...(firstAnswer && { firstAnswer: { ...firstAnswer, at: firstAnswer.at - from } }),
    ...(lastAnswer && { lastAnswer: { ...lastAnswer, at: lastAnswer.at - from } }),
    ...(ended && { ended: { ...ended, at: ended.at - from } }),
    jobs: [...jobs].map(([uid, { createdAt, goneAt }]) => {
      const gone = goneAt ?? (live.jobs.length === 0 ? now : undefined);
      return { uid, createdAt: createdAt - from, ...(gone !== undefined && { goneAt: gone - from }) };
    }),
    containers: [...pods.values()].flatMap(({ name, startedAt, stoppedAt }) => {
      if (startedAt === undefined) return [];
      // Its end was missed, but it is not there any more: at the latest, now.
      const stopped = stoppedAt ?? (live.pods.length === 0 ? now : undefined);
      return [{ pod: name, startedAt: startedAt - from, ...(stopped !== undefined && { stoppedAt: stopped - from }) }];
    }),
    liveJobs: live.jobs.length,
    livePods: live.pods.length,
    judgedAt: now - from,
  };
}
