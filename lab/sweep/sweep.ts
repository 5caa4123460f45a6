/** Plays cases, many at once, until they are all played or the time is over. */
import { availableParallelism } from 'node:os';
import { type Case, enumerated, parseCase, randomOf } from './cases.ts';
import { playBatch, playStorm, type StormCase, type WorkerCase } from './batch.ts';
import { Gate } from '../proxy/gate.ts';
import { BlindError } from './eyes.ts';
import type { Results } from './results.ts';
import { scheduleOf } from './schedule.ts';
import { type CaseResult, Theatre } from './theatre.ts';

export interface SweepOptions {
  readonly cases: readonly Case[];
  readonly image: string;
  readonly workflowBundle: string;
  /** Tasks at the same time on one stage. */
  readonly atOnce?: number;
  /** Milliseconds since the epoch; nothing new is begun after it. */
  readonly until?: number;
  readonly results: Results;
  readonly onResult?: (result: CaseResult) => void;
  /** Cases that could not be played to their end, and why. */
  readonly onUnplayed?: (ids: readonly string[], error: unknown) => void;
  /** The watch broke off: what was under way is played again, on new stages. */
  readonly onBlind?: (error: BlindError) => void;
}

/** Tasks that are hit together with their worker. */
const BATCH = 48;
/** In the random part, every so many of the cases are storms. */
const STORM_EVERY = 4;

export interface Swept {
  readonly bystandersUntouched: boolean;
}

/** How often a sweep whose watch broke off begins anew. */
const BLIND_LIMIT = 10;

/** Plays what the results do not have yet. */
export async function sweep(options: SweepOptions): Promise<Swept> {
  for (let blind = 0; ; blind += 1) {
    try {
      return await sweepOnStages(options);
    } catch (error) {
      if (!(error instanceof BlindError) || blind >= BLIND_LIMIT) throw error;
      options.onBlind?.(error);
    }
  }
}

/** Cases that hit their worker have a stage, and so a worker, of their own. */
async function sweepOnStages(options: SweepOptions): Promise<Swept> {
  const open = options.cases.filter(({ id }) => !options.results.has(id));
  const singles = open.filter((item) => item.kind === 'request' || item.kind === 'seed');
  const batches = batchesOf(open);
  const theatres = await Promise.all([openTheatre(options), ...(batches.length > 0 ? [openTheatre(options)] : [])]);
  const [forSingles, forBatches] = theatres;
  const stop = new AbortController();
  const playing = { ...options, isOver: () => stop.signal.aborted || Date.now() > (options.until ?? Infinity) };
  try {
    const lanes = [
      ...(forSingles ? singleLanes(forSingles, singles, playing) : []),
      ...(forBatches ? [playBatches(forBatches, batches, playing)] : []),
    ];
    // Nobody plays on a stage that is being closed: what one of them cannot go on from ends all of them.
    for (const lane of lanes) lane.catch(() => stop.abort());
    await Promise.allSettled(lanes);
    await Promise.all(lanes);
    for (const { id, offence } of theatres.flatMap((theatre) => theatre.stragglers()))
      await keep(options.results.amended(id, offence), options);
    const untouched = await Promise.all(theatres.map((theatre) => theatre.bystanderIsUntouched()));
    return { bystandersUntouched: untouched.every(Boolean) };
  } finally {
    await Promise.all(theatres.map((theatre) => theatre.close()));
  }
}

async function openTheatre({ workflowBundle, image }: SweepOptions): Promise<Theatre> {
  const theatre = await Theatre.open(workflowBundle, image);
  await theatre.stage.startWorker();
  return theatre;
}

type Single = Exclude<Case, WorkerCase | StormCase>;

interface Playing extends SweepOptions {
  /** Nothing new is begun any more. */
  readonly isOver: () => boolean;
}

function singleLanes(theatre: Theatre, cases: readonly Single[], playing: Playing): readonly Promise<void>[] {
  const queue = cases[Symbol.iterator]();
  const lane = async () => {
    for (const item of queue) {
      if (playing.isOver()) return;
      await attempt([item], async () => [await theatre.play(item, scheduleOf(item))], playing);
    }
  };
  return Array.from({ length: playing.atOnce ?? 12 * availableParallelism() }, lane);
}

interface Batch {
  readonly items: readonly Case[];
  readonly play: (theatre: Theatre) => Promise<readonly CaseResult[]>;
}

async function playBatches(theatre: Theatre, batches: readonly Batch[], playing: Playing): Promise<void> {
  for (const { items, play } of batches) {
    if (playing.isOver()) return;
    await attempt(items, () => play(theatre), playing);
  }
}

/**
 * What goes wrong with the playing itself (Temporal too busy to answer our own questions) says nothing of the product:
 * such cases have no result, and a sweep that resumes plays them again.
 */
async function attempt(
  items: readonly Case[],
  play: () => Promise<readonly CaseResult[]>,
  options: SweepOptions,
): Promise<void> {
  try {
    for (const result of await play()) await keep(result, options);
  } catch (error) {
    if (error instanceof BlindError) throw error;
    options.onUnplayed?.(
      items.map(({ id }) => id),
      error,
    );
  }
}

async function keep(result: CaseResult, { results, onResult }: SweepOptions): Promise<void> {
  await results.add(result);
  onResult?.(result);
}

/** The requests of a task that nothing disturbs: how far the positions of faults go. */
export async function learn(theatre: Theatre): Promise<number> {
  const { requests } = await theatre.play(parseCase('seed:0'), {
    faultAt: () => ({ do: 'pass' }),
    cancel: undefined,
    late: new Gate(),
  });
  return requests;
}

/** All enumerated cases in an order of their own, then random ones by seed for ever. */
export function* allCases(requests: number): Generator<Case> {
  yield* shuffled(enumerated(requests));
  for (let seed = 1; ; seed += 1) yield parseCase(seed % STORM_EVERY === 0 ? `storm:${seed}` : `seed:${seed}`);
}

/** Spread, so that a sweep that is cut short has seen some of everything. */
function shuffled<T>(items: readonly T[]): readonly T[] {
  const random = randomOf(20_261_122);
  return items
    .map((item) => ({ item, key: random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

function batchesOf(cases: readonly Case[]): readonly Batch[] {
  const byFault = Object.values(Object.groupBy(cases.filter(isWorkerCase), ({ fault }) => fault));
  const storms = cases.filter((item) => item.kind === 'storm');
  return [
    ...byFault
      .flatMap((items) => inBatches(items))
      .map((items) => ({ items, play: (on: Theatre) => playBatch(on, items) })),
    ...inBatches(storms).map((items) => ({ items, play: (on: Theatre) => playStorm(on, items) })),
  ];
}

function inBatches<T>(items: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / BATCH);
  return Array.from({ length: count }, (_, index) => items.slice(index * BATCH, (index + 1) * BATCH));
}

function isWorkerCase(item: Case): item is WorkerCase {
  return item.kind === 'worker';
}
