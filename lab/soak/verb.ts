/** `npm run lab -- soak`: a long flow of tasks under cancels, kills, dying workers and restarts of the API server. */
import { parseArgs } from 'node:util';
import { writeJson } from '../report/json-file.ts';
import { settingOf } from '../stage/setting.ts';
import { wholeNumber } from '../whole-number.ts';
import { withGround } from './ground.ts';
import { OFFENCES } from './judge.ts';
import { type Failure, type SoakResult, summarise } from './results.ts';
import { Soak } from './soak.ts';

export const usage = `soak: a long flow of tasks, with cancels, kills, a worker that dies and an API server that is restarted, on servers of its own
  npm run lab -- soak [--minutes N] [--rate R] [--seed N] [--summary FILE] [--json]
  --minutes N     how long tasks are sent, default 60
  --rate R        tasks a second; default: as many as get through, found by itself
  --seed N        of what is done to which task and when, default 1
  --summary FILE  where the result is kept, e.g. docs/evidence/soak.json`;

interface Options {
  readonly minutes: number;
  readonly rate: number | undefined;
  readonly seed: number;
  readonly summary: string | undefined;
  readonly json: boolean;
}

export async function run(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return console.log(usage);
  const options = readOptions(args);
  const result = await measure(options).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    // What was under way must not keep the process.
    process.exit(2);
  });
  if (options.summary !== undefined) writeJson(options.summary, result);
  console.log(options.json ? JSON.stringify(result) : inWords(result));
  process.exitCode = result.failures.length === 0 ? 0 : 1;
}

async function measure({ minutes, rate, seed }: Options): Promise<SoakResult> {
  const asked = Promise.withResolvers<string>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => asked.resolve(signal));
  return withGround(asked.promise, async (ground) => {
    const measuredAt = new Date().toISOString();
    const setting = await settingOf('simulated', ground.stage.config);
    const tell = (message: string) => console.error(`  ${message}`);
    const onFailure = (failure: Failure) => console.error(failureInWords(failure));
    const soaked = await new Soak(ground, { minutes, rate, seed, tell, onFailure }).run();
    return summarise(soaked, { measuredAt, setting, seed, minutes, wanted: rate });
  });
}

function failureInWords({ id, is, what }: Failure): string {
  return `✗ ${id}: ${OFFENCES[is]}: ${what}`;
}

function inWords({
  tasks,
  minutes,
  rate,
  open,
  failed,
  failures,
  hits,
  gaps,
  growth,
  waited,
  ...rest
}: SoakResult): string {
  const hit = (target: string) => hits.filter((one) => one.target === target).length;
  const counts = Object.entries(failed).map(([kind, count]) => `${count} ${OFFENCES[kind as Failure['is']]}`);
  return [
    `${tasks} tasks in ${minutes} minutes, ${rate.sustained} a second with ${open.p50} open: ${counts.join(', ')}`,
    ...Object.entries({ ...rest.outcomes, ...rest.answers }).map(([name, count]) => `  ${count} ${name}`),
    `${hit('worker')} workers killed, ${hit('API server')} restarts of the API server; our own watches were begun again ${gaps.number} times, and saw nothing for ${gaps.longestMs} ms at most`,
    `beyond what a container runs: ${waited.p50} s at the median, ${waited.p95} s for 95 of 100; a cancel: ${rest.cancelledIn.p50} s and ${rest.cancelledIn.p95} s`,
    `memory of the worker that is never killed: ${growth.anHour} MB an hour, ${growth.aThousandTasks} MB for 1,000 tasks`,
    ...failures.map(failureInWords),
  ].join('\n');
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '60' },
      rate: { type: 'string' },
      seed: { type: 'string', default: '1' },
      summary: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const rate = values.rate === undefined ? undefined : Number(values.rate);
  if (rate !== undefined && !(rate > 0)) throw new TypeError(`--rate takes a number above 0, not "${values.rate}".`);
  return {
    minutes: wholeNumber('--minutes', values.minutes),
    rate,
    seed: wholeNumber('--seed', values.seed),
    summary: values.summary,
    json: values.json,
  };
}
