/** `npm run lab -- cancels`: cancels over HTTP, aimed at the moment in which a task completes. */
import { randomUUID } from 'node:crypto';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { paced } from '../../src/paced.ts';
import { writeJson } from '../report/json-file.ts';
import { holdfastVersion } from '../stage/version.ts';
import { randomOf } from '../sweep/cases.ts';
import { wholeNumber } from '../whole-number.ts';
import { Aim } from './aim.ts';
import { untruths } from './judge.ts';
import { play, type Played } from './play.ts';
import { type CancelsResult, OUTCOMES, summarise } from './results.ts';
import { openStage } from './stage.ts';

export const usage = `cancels: cancels over HTTP aimed at the moment of completion, each answer held against Temporal's history
  npm run lab -- cancels [--cases N] [--at-once N] [--seed N] [--summary FILE] [--json]
  Real: Temporal, the workflow and its worker, the gateway and HTTP on loopback. Played: the cluster.
  --cases N       how many, default 1000
  --at-once N     tasks at the same time, default 12 for each core
  --seed N        of the moments that are aimed at, default 1
  --summary FILE  where the result is kept, e.g. docs/evidence/cancels.json`;

interface Options {
  readonly cases: number;
  readonly atOnce: number;
  readonly seed: number;
  readonly summary: string | undefined;
  readonly json: boolean;
}

export async function run(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return console.log(usage);
  const options = readOptions(args);
  const result = await measure(options);
  if (options.summary !== undefined) writeJson(options.summary, result);
  console.log(options.json ? JSON.stringify(result) : inWords(result));
  process.exitCode = result.untrue.length === 0 && result.unplayed === 0 ? 0 : 1;
}

async function measure({ cases, atOnce, seed }: Options): Promise<CancelsResult> {
  const stage = await openStage();
  const progress = new Progress(cases);
  const aim = new Aim(randomOf(seed));
  const series = `cancels-${randomUUID().slice(0, 8)}`;
  try {
    const ids = Array.from({ length: cases }, (_, number) => `${series}-${number}`);
    const tried = await paced(ids, { atOnce }, async (id) => {
      const played = await play(stage, id, aim).catch((error: unknown) => progress.miss(id, error));
      if (played !== undefined) progress.see(played);
      return played;
    });
    const played = tried.filter((one) => one !== undefined);
    const holdfast = holdfastVersion();
    return {
      kind: 'cancels',
      measuredAt: new Date().toISOString(),
      versions: { temporal: stage.temporalVersion, node: process.version, holdfast },
      machine: { cores: cpus().length, load: Math.round(loadavg()[2] ?? 0) },
      atOnce,
      seconds: Math.round(progress.seconds),
      unplayed: cases - played.length,
      ...summarise(played),
    };
  } finally {
    await stage.close();
  }
}

class Progress {
  readonly #total: number;
  readonly #since = Date.now();
  #done = 0;
  #untrue = 0;
  #shownAt = Date.now();

  constructor(total: number) {
    this.#total = total;
  }

  get seconds(): number {
    return (Date.now() - this.#since) / 1_000;
  }

  see(played: Played): void {
    this.#done += 1;
    const wrong = untruths(played);
    if (wrong.length > 0) this.#untrue += 1;
    for (const untruth of wrong) console.error(`✗ ${played.id}: ${untruth}`);
    if (Date.now() - this.#shownAt < 5_000) return;
    this.#shownAt = Date.now();
    const { seconds } = this;
    const rate = (this.#done / seconds).toFixed(1);
    console.error(
      `${this.#done} of ${this.#total} cases, ${this.#untrue} untrue, ${seconds.toFixed(0)} s, ${rate} a second`,
    );
  }

  miss(id: string, error: unknown): undefined {
    console.error(`${id}: not played to its end: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function inWords(result: CancelsResult): string {
  const { cases, seconds, untrue, notFound, unplayed, unsettled, outcomes, sentAfter, answeredIn } = result;
  return [
    `${cases} cancels in ${seconds} s: ${untrue.length} untrue, ${notFound} answered 404, ${unplayed} not played to their end`,
    ...Object.entries(OUTCOMES).map(([name, words]) => `  ${outcomes[name as keyof typeof OUTCOMES]} ${words}`),
    `sent ${sentAfter.p5} to ${sentAfter.p95} ms after the Job's end (90 of 100), answered in ${answeredIn.p50} ms at the median`,
    `answers that settled nothing, and were asked again: ${unsettled}`,
    ...untrue.flatMap(({ id, why }) => why.map((one) => `✗ ${id}: ${one}`)),
  ].join('\n');
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: 'string', default: '1000' },
      'at-once': { type: 'string', default: String(12 * cpus().length) },
      seed: { type: 'string', default: '1' },
      summary: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    cases: wholeNumber('--cases', values.cases),
    atOnce: wholeNumber('--at-once', values['at-once']),
    seed: wholeNumber('--seed', values.seed),
    summary: values.summary,
    json: values.json,
  };
}
