/** `npm run bench`: what a task costs, side by side with its floor. */
import { parseArgs } from 'node:util';
import { createLogger, installRuntime } from '../../src/telemetry.ts';
import { localState } from '../stage/local-state.ts';
import { settingOf } from '../stage/setting.ts';
import { withWorkflowBundle } from '../stage/workflow-bundle.ts';
import { wholeNumber } from '../whole-number.ts';
import type { Bench } from './bench.ts';
import type { Tools } from './ground.ts';
import { accepted, exceeded, readLimits, writeLimits } from './limits.ts';
import { inWords } from './render/in-words.ts';
import { writePages } from './render/pages.ts';
import { merged, readPerformance, type Row, writePerformance } from './result.ts';
import { BENCHES } from './rows/index.ts';
import { trace } from './trace/trace.ts';

export const usage = `bench: what a task costs, side by side with its floor; writes docs/performance.json, docs/performance.md and a chart
  npm run bench -- [NAME...] [--size N] [--repeats N] [--accept] [--json]
  npm run bench -- trace            one task, every hop
  npm run bench -- --check          measure nothing; hold what was measured against the limits
  npm run bench -- --render         measure nothing; write the documents anew
${BENCHES.map(({ name, title, nodes, size, sizeMeans, repeats }) => `  ${name.padEnd(17)} ${title}; ${nodes === 'any' ? 'any' : nodes} nodes, ${size} ${sizeMeans}, ${repeats} repeats`).join('\n')}
  --size N, --repeats N   smaller or larger than that; such a run is shown and not kept
  --accept                takes this run among those that the limits in lab/bench/limits.json come from
  What needs the other kind of nodes is left as it was measured there. An environment with simulated nodes:
  npm run up -- --simulated --simulated-nodes 20 --no-worker`;

interface Options {
  readonly names: readonly string[];
  readonly size: number | undefined;
  readonly repeats: number | undefined;
  readonly accept: boolean;
  readonly json: boolean;
  readonly only: 'check' | 'render' | undefined;
}

export async function run(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return console.log(usage);
  const options = readOptions(args);
  if (options.only === undefined) await measure(options);
  const performance = readPerformance();
  const limits = readLimits();
  writePages(performance, limits);
  if (options.only === 'render') return;
  const over = exceeded(limits, performance.rows);
  for (const sentence of over) console.error(`✗ ${sentence}`);
  if (over.length > 0) process.exitCode = 1;
}

async function measure(options: Options): Promise<void> {
  await withWorkflowBundle(async (workflowBundle) => {
    // The SDK would tell of every worker that starts and stops, on stdout.
    installRuntime({ metricsAddress: undefined }, createLogger('error'));
    const { images, kubernetes } = await localState();
    const tools: Tools = { workflowBundle, image: images.busybox, nodes: kubernetes.containers };
    const rows: Row[] = [];
    for (const bench of chosen(options, tools)) rows.push(await measureRow(bench, tools, options));
    if (options.names.length === 0 || options.names.includes('trace')) await traceOne(tools, options);
    if (options.json) console.log(JSON.stringify(rows));
    else if (rows.length > 0) console.log(inWords(rows));
    if (options.accept) writeLimits(accepted(readLimits(), rows));
  });
}

/** What this environment can measure of what was asked for; the rest is named. */
function chosen({ names }: Options, { nodes }: Tools): readonly Bench[] {
  const wanted = names.length === 0 ? BENCHES : BENCHES.filter(({ name }) => names.includes(name));
  for (const { name, nodes: needed } of wanted)
    if (needed !== 'any' && needed !== nodes)
      console.error(`– ${name}: skipped, it needs ${needed} nodes and these are ${nodes}; what is there stays`);
  return wanted.filter(({ nodes: needed }) => needed === 'any' || needed === nodes);
}

async function measureRow(bench: Bench, tools: Tools, options: Options): Promise<Row> {
  const { name, title, floor, sizeMeans } = bench;
  const size = options.size ?? bench.size;
  const repeats = options.repeats ?? bench.repeats;
  const setting = await settingOf(tools.nodes);
  const measuredAt = new Date().toISOString();
  const since = performance.now();
  const tell = (message: string) =>
    console.error(`  ${name}, ${Math.round((performance.now() - since) / 1_000)} s: ${message}`);
  console.error(`▸ ${name}: ${title}; ${size} ${sizeMeans}, ${repeats} repeats, load ${setting.load}`);
  const measured = await bench.measure(tools, { size, repeats, tell });
  const row: Row = {
    name,
    ...(floor !== undefined && { floor }),
    size,
    sizeMeans,
    repeats,
    measuredAt,
    setting,
    measured,
  };
  const order = BENCHES.map((one) => one.name);
  if (size === bench.size && repeats >= bench.repeats) writePerformance(merged(readPerformance(), row, order));
  else console.error(`  ${name}: not kept, for it was smaller than it is meant to be`);
  return row;
}

async function traceOne(tools: Tools, { json }: Options): Promise<void> {
  if (tools.nodes !== 'real') return console.error('– trace: skipped, it needs real nodes');
  const traced = await trace(tools);
  if (!json) console.log(inWords([], traced));
  writePerformance({ ...readPerformance(), trace: traced });
}

function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      size: { type: 'string' },
      repeats: { type: 'string' },
      accept: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      render: { type: 'boolean', default: false },
    },
  });
  const known = [...BENCHES.map(({ name }) => name), 'trace'];
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new TypeError(`There is no bench "${unknown}". Choose of: ${known.join(', ')}.`);
  return {
    names: positionals,
    size: values.size === undefined ? undefined : wholeNumber('--size', values.size),
    repeats: values.repeats === undefined ? undefined : wholeNumber('--repeats', values.repeats),
    accept: values.accept,
    json: values.json,
    only: values.check ? 'check' : values.render ? 'render' : undefined,
  };
}
