/** Plays cases, many at once, until they are all played or the time is over. */
import { availableParallelism } from 'node:os';
import { type Case, enumerated, parseCase, randomOf } from './cases.ts';
import { playBatch, type WorkerCase } from './batch.ts';
import { Gate } from '../proxy/gate.ts';
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
}

const BATCH = 16;

export async function sweep(options: SweepOptions): Promise<{ readonly bystandersUntouched: boolean }> {
  const open = options.cases.filter(({ id }) => !options.results.has(id));
  const singles = open.filter((item) => item.kind !== 'worker');
  const batches = Object.values(Object.groupBy(open.filter(isWorkerCase), ({ fault }) => fault)).flatMap(inBatches);
  const theatres = await Promise.all([openTheatre(options), ...(batches.length > 0 ? [openTheatre(options)] : [])]);
  const [forSingles, forBatches] = theatres;
  try {
    await Promise.all([
      forSingles && playSingles(forSingles, singles, options),
      forBatches && playBatches(forBatches, batches, options),
    ]);
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

type Single = Exclude<Case, WorkerCase>;

async function playSingles(theatre: Theatre, cases: readonly Single[], options: SweepOptions): Promise<void> {
  const queue = cases[Symbol.iterator]();
  const lane = async () => {
    for (const item of queue) {
      if (Date.now() > (options.until ?? Infinity)) return;
      await keep(await theatre.play(item, scheduleOf(item)), options);
    }
  };
  const lanes = options.atOnce ?? 12 * availableParallelism();
  await Promise.all(Array.from({ length: lanes }, lane));
}

async function playBatches(
  theatre: Theatre,
  batches: readonly (readonly WorkerCase[])[],
  options: SweepOptions,
): Promise<void> {
  for (const batch of batches) {
    if (Date.now() > (options.until ?? Infinity)) return;
    for (const result of await playBatch(theatre, batch)) await keep(result, options);
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
  for (let seed = 1; ; seed += 1) yield parseCase(`seed:${seed}`);
}

/** Spread, so that a sweep that is cut short has seen some of everything. */
function shuffled<T>(items: readonly T[]): readonly T[] {
  const random = randomOf(20_261_122);
  return items
    .map((item) => ({ item, key: random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

function inBatches(cases: readonly WorkerCase[] = []): readonly (readonly WorkerCase[])[] {
  const count = Math.ceil(cases.length / BATCH);
  return Array.from({ length: count }, (_, index) => cases.slice(index * BATCH, (index + 1) * BATCH));
}

function isWorkerCase(item: Case): item is WorkerCase {
  return item.kind === 'worker';
}
