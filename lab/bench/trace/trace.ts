/** One task, every hop: what the history, the worker's requests, the watch and the container say of the same moments. */
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import type { CommandTask } from '../../../src/contract.ts';
import { listenTo } from '../container-words.ts';
import { Ground, taskOf, type Tools, UNTHROTTLED } from '../ground.ts';
import { Traffic } from '../traffic.ts';
import { hopsOfHistory } from './history-hops.ts';
import type { Hop } from './hop.ts';
import { hopsOfRequests } from './request-hops.ts';

export interface Trace {
  readonly measuredAt: string;
  /** Of how many each is the median, by what it took in all. */
  readonly of: number;
  readonly succeeded: readonly Hop[];
  readonly cancelled: readonly Hop[];
}

const PLAYS = 5;
/** Ends by itself, or at SIGTERM. */
const SCRIPT = 'trap "echo ended; exit 143" TERM; echo began; sleep 1 & wait';
const ENDLESS = SCRIPT.replace('sleep 1', 'sleep 600');

export async function trace(tools: Tools): Promise<Trace> {
  const ground = await Ground.open(tools, { throughProxy: true });
  try {
    const traffic = new Traffic(ground.stage.proxy);
    const succeeded: (readonly Hop[])[] = [];
    const cancelled: (readonly Hop[])[] = [];
    for (let play = 0; play <= PLAYS; play += 1) {
      const hops = await traceOf(
        ground,
        traffic,
        `ends-${play}`,
        taskOf(tools.image, ['sh', '-c', SCRIPT], UNTHROTTLED),
        false,
      );
      const cut = await traceOf(
        ground,
        traffic,
        `cut-${play}`,
        taskOf(tools.image, ['sh', '-c', ENDLESS], UNTHROTTLED),
        true,
      );
      // The first warms everything up.
      if (play > 0) succeeded.push(hops);
      if (play > 0) cancelled.push(cut);
    }
    return {
      measuredAt: new Date().toISOString(),
      of: PLAYS,
      succeeded: middle(succeeded),
      cancelled: middle(cancelled),
    };
  } finally {
    await ground.close();
  }
}

async function traceOf(
  ground: Ground,
  traffic: Traffic,
  name: string,
  task: CommandTask,
  isCut: boolean,
): Promise<readonly Hop[]> {
  const { client } = ground.stage;
  const requests: NonNullable<Traffic['kept']> = (traffic.kept = []);
  const submittedAt = Date.now();
  const { taskId, job } = await ground.start(name, task);
  const acceptedAt = Date.now();
  await ground.eyes.when(job, 'running');
  const words = listenTo(ground.api, ground.eyes.of(job).pod ?? '');
  const beganAt = await words.when('began');
  const cancelledAt = isCut ? await afterAMoment() : undefined;
  const ended = isCut ? words.when('ended').then((at): Hop => ({ at, who: 'container', what: 'ends' })) : undefined;
  if (isCut) await client.cancel(taskId);
  else await client.result(taskId);
  const toldAt = Date.now();
  const from = cancelledAt ?? submittedAt;
  const seen = ground.eyes.of(job);
  const { events } = await client.temporal.workflow.getHandle(taskId).fetchHistory();
  const hops: Hop[] = [
    { at: from, who: 'client', what: isCut ? 'asks for the cancel' : 'asks for the task' },
    ...(isCut ? [] : [{ at: acceptedAt, who: 'client', what: 'is told that it is accepted' } as const]),
    { at: beganAt, who: 'container', what: 'runs' },
    ...(ended === undefined ? [] : [await ended]),
    { at: toldAt, who: 'client', what: 'is told the outcome' },
    ...moments(seen),
    ...hopsOfRequests(requests),
    ...hopsOfHistory(events ?? [], optionalTsToMs),
  ];
  words.close();
  traffic.kept = undefined;
  return hops
    .filter(({ at }) => at >= from - 1)
    .map((hop) => ({ ...hop, at: Math.max(0, Math.round((hop.at - from) * 10) / 10) }))
    .toSorted((a, b) => a.at - b.at);
}

function moments(seen: ReturnType<Ground['eyes']['of']>): readonly Hop[] {
  const told: Readonly<Record<string, number | undefined>> = {
    'the watch shows the Pod': seen.podMade,
    'the watch shows the Pod as running': seen.running,
    'the watch shows the Pod as ended': seen.podEnded,
    'the watch shows the Job as complete': seen.jobComplete,
    'the watch shows that the Pod is gone': seen.podGone,
    'the watch shows that the Job is gone': seen.jobGone,
  };
  return Object.entries(told).flatMap(([what, at]) =>
    at === undefined ? [] : [{ at, who: 'Kubernetes', what } as const],
  );
}

/** So that what a start sets off has come to rest. */
function afterAMoment(): Promise<number> {
  return new Promise((resolve) => setTimeout(() => resolve(Date.now()), 1_000));
}

/** The median by what it took in all. */
function middle(traces: readonly (readonly Hop[])[]): readonly Hop[] {
  const sorted = traces.toSorted((a, b) => (a.at(-1)?.at ?? 0) - (b.at(-1)?.at ?? 0));
  return sorted[Math.floor(sorted.length / 2)] ?? [];
}
