/** `npm run lab -- sweep`: faults x requests x cancels on a real API server. */
import { parseArgs } from 'node:util';
import { writeJson } from '../report/json-file.ts';
import { holdfastVersion } from '../stage/version.ts';
import { localState } from '../stage/local-state.ts';
import { withWorkflowBundle } from '../stage/workflow-bundle.ts';
import { wholeNumber } from '../whole-number.ts';
import { allCases, learn, sweep } from './sweep.ts';
import { parseCase, type Case } from './cases.ts';
import { Results, summarise, type Summary } from './results.ts';
import { type CaseResult, Theatre } from './theatre.ts';

export const usage = `sweep: a fault proxy between the product and a real API server; every case is judged from the server's own watch
  npm run lab -- sweep [--cases N] [--minutes M] [--at-once N] [--case ID]... [--out FILE] [--summary FILE] [--json]
  --cases N     how many cases, default 300: every fault at every request with every moment of the cancel, then random ones
  --minutes M   begin nothing new after M minutes
  --at-once N   tasks at the same time, default 12 for each core
  --case ID     only this, e.g. --case "drop answer@5/during" or --case seed:17 or --case storm:20
  --out FILE    a line of JSON per case; cases that it has are not played again`;

interface Options {
  readonly cases: number;
  readonly until: number | undefined;
  readonly atOnce: number | undefined;
  readonly only: readonly Case[];
  readonly out: string | undefined;
  readonly summary: string | undefined;
  readonly json: boolean;
}

export async function run(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  await withWorkflowBundle(async (workflowBundle) => {
    const { images, kubernetes } = await localState();
    const results = await Results.open(options.out, holdfastVersion());
    const cases = options.only.length > 0 ? options.only : await choose(options, workflowBundle, images.busybox);
    const progress = new Progress(cases.length);
    const { bystandersUntouched } = await sweep({
      cases,
      image: images.busybox,
      workflowBundle,
      results,
      ...(options.atOnce !== undefined && { atOnce: options.atOnce }),
      ...(options.until !== undefined && { until: options.until }),
      onResult: (result) => progress.see(result),
      onUnplayed: (ids, error) => progress.miss(ids, error),
      onBlind: ({ message }) => console.error(`${message}\nwhat was under way is played again, on new stages`),
    });
    const summary = { ...summarise(results.all), bystandersUntouched, nodes: kubernetes.containers };
    if (options.summary !== undefined) writeJson(options.summary, summary);
    console.log(options.json ? JSON.stringify(summary) : inWords(summary));
    process.exitCode = summary.failed.length === 0 && bystandersUntouched ? 0 : 1;
  });
}

async function choose({ cases }: Options, workflowBundle: string, image: string): Promise<readonly Case[]> {
  const theatre = await Theatre.open(workflowBundle, image);
  try {
    await theatre.stage.startWorker();
    const requests = await learn(theatre);
    console.error(`a clean run makes ${requests} requests that touch its objects`);
    return allCases(requests).take(cases).toArray();
  } finally {
    await theatre.close();
  }
}

class Progress {
  readonly #total: number;
  readonly #since = Date.now();
  #done = 0;
  #shownAt = 0;
  #missed = 0;

  constructor(total: number) {
    this.#total = total;
  }

  see(result: CaseResult): void {
    this.#done += 1;
    for (const offence of result.offences) console.error(failure(result.id, offence));
    if (Date.now() - this.#shownAt < 5_000) return;
    this.#shownAt = Date.now();
    const seconds = (Date.now() - this.#since) / 1_000;
    const rate = this.#done / seconds;
    const unplayed = this.#missed === 0 ? '' : `, ${this.#missed} could not be played`;
    console.error(
      `${this.#done} of ${this.#total} cases, ${seconds.toFixed(0)} s, ${rate.toFixed(1)} a second${unplayed}`,
    );
  }

  miss(ids: readonly string[], error: unknown): void {
    this.#missed += ids.length;
    const why = error instanceof Error ? error.message : String(error);
    console.error(`${ids.join(', ')}: not played to the end, and to be played again: ${why}`);
  }
}

function failure(id: string, offence: string): string {
  return `✗ ${id}: ${offence}\n  again: npm run lab -- sweep --case ${JSON.stringify(id)}`;
}

function inWords(summary: Summary & { readonly bystandersUntouched: boolean; readonly nodes: string }): string {
  const { cases, held, cancelled, answers, failed, latePods } = summary;
  return [
    `${cases} cases on ${summary.nodes} nodes: ${held} held, ${failed.length} did not; ${cancelled} were cancelled`,
    ...Object.entries(answers).map(([answer, count]) => `  ${answer}: ${count}`),
    `bystanders untouched: ${summary.bystandersUntouched ? 'yes' : 'NO'}; Pods made after the answer: ${latePods}`,
    `from the wait for the end to the outcome told: ${summary.p50} ms at the median, ${summary.p95} ms for 95 of 100`,
    ...failed.flatMap(({ id, offences }) => offences.map((offence) => failure(id, offence))),
  ].join('\n');
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cases: { type: 'string', default: '300' },
      minutes: { type: 'string' },
      'at-once': { type: 'string' },
      case: { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
      summary: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  if (minutes !== undefined && !(minutes > 0)) throw new TypeError(`--minutes takes a number, got ${values.minutes}`);
  return {
    atOnce: values['at-once'] === undefined ? undefined : wholeNumber('--at-once', values['at-once']),
    cases: wholeNumber('--cases', values.cases),
    until: minutes === undefined ? undefined : Date.now() + minutes * 60_000,
    only: values.case.map(parseCase),
    out: values.out,
    summary: values.summary,
    json: values.json,
  };
}
