/** `npm run lab -- model`: explores every protocol under every condition and prints what holds, and what breaks how. */
import type { Bounds, Exploration, Progress } from './explore.ts';
import { explore } from './explore.ts';
import type { Condition, Entry } from './catalogue.ts';
import { CATALOGUE, DEEP_CONDITIONS } from './catalogue.ts';
import { caughtBy, MUTANTS } from './mutants.ts';
import { columns, count, timeline } from './table.ts';
import { PROMISE } from './promise.ts';
import { NO_FAULTS } from './world.ts';

export const usage = `npm run lab -- model [--protocol NAME] [--mutants] [--deep] [--bounds late=2,crash=1] [--max-states N] [--json]

  --protocol NAME   only this one: ${CATALOGUE.map((entry) => entry.name).join(', ')}
  --mutants         Holdfast with one part of the fence left out each time: which property notices
  --deep            Holdfast under more faults at once; minutes
  --bounds LIST     one condition of your own: how often each may happen: late, twice, crash, zombie, terminate, kill, reset, retry, kueue, rival, expiry
  --max-states N    stop a search there (default 5,000,000)
  --json            one JSON object instead of text`;

export interface Arguments {
  readonly protocol?: string;
  readonly mutants: boolean;
  readonly deep: boolean;
  readonly bounds?: string;
  readonly maxStates: number;
  readonly json: boolean;
}

export interface Explored {
  readonly protocol: string;
  readonly condition: Condition;
  readonly exploration: Exploration<object>;
}

export function parse(args: readonly string[]): Arguments {
  const value = (flag: string) => {
    const at = args.indexOf(flag);
    return at < 0 ? undefined : args[at + 1];
  };
  const protocol = value('--protocol');
  const bounds = value('--bounds');
  const names = CATALOGUE.map((entry) => entry.name);
  if (protocol !== undefined && !names.includes(protocol))
    throw new Error(`There is no protocol "${protocol}". Choose one of: ${names.join(', ')}.`);
  return {
    ...(protocol !== undefined && { protocol }),
    ...(bounds !== undefined && { bounds }),
    mutants: args.includes('--mutants'),
    deep: args.includes('--deep'),
    maxStates: Number(value('--max-states') ?? 5_000_000),
    json: args.includes('--json'),
  };
}

export function run(args: readonly string[]): void {
  if (args.includes('--help')) return console.log(usage);
  const options = parse(args);
  if (options.mutants) return runMutants(options);
  const explored: Explored[] = [];
  for (const entry of CATALOGUE) {
    if (options.protocol !== undefined && entry.name !== options.protocol) continue;
    const own = conditionsOf(entry, options).map((condition) => exploreOne(entry, condition, options));
    explored.push(...own);
    if (!options.json) printEntry(entry, own);
  }
  if (!options.json) printSummary(explored);
  if (options.json) console.log(JSON.stringify({ kind: 'model', properties: PROMISE, explored: explored.map(asJson) }));
}

function conditionsOf(entry: Entry, { bounds, deep }: Arguments): readonly Condition[] {
  if (bounds !== undefined) {
    const faults: Condition['faults'] = Object.fromEntries(
      bounds.split(',').map((pair) => [pair.split('=')[0] ?? '', Number(pair.split('=')[1] ?? 1)]),
    );
    const unknown = Object.entries(faults).filter(([name, times]) => !(name in NO_FAULTS) || !Number.isInteger(times));
    if (unknown.length > 0)
      throw new Error(
        `--bounds takes a list like late=2,crash=1, of ${Object.keys(NO_FAULTS).join(', ')}; not "${bounds}".`,
      );
    return [{ name: bounds, faults }];
  }
  if (deep && entry.name.startsWith('holdfast')) return [...entry.conditions, ...DEEP_CONDITIONS];
  return entry.conditions;
}

function exploreOne(entry: Entry, condition: Condition, options: Arguments): Explored {
  const exploration = explore(entry.model(condition), boundsOf(`${entry.name}, ${condition.name}`, options));
  return { protocol: entry.name, condition, exploration };
}

function boundsOf(what: string, { maxStates }: Arguments): Bounds {
  if (!process.stderr.isTTY) return { maxStates };
  const onProgress = ({ states, waiting, depth, seconds }: Progress) =>
    process.stderr.write(
      `\r\x1b[2K${what}: ${count(states)} states, ${count(waiting)} to go, depth ${depth}, ${seconds.toFixed(0)} s\r`,
    );
  return { maxStates, onProgress };
}

// --- Text -------------------------------------------------------------------------------------------------------------

const nameOf = ({ name, assumptionLost }: Condition) => `${name}${assumptionLost ? ' (assumption lost)' : ''}`;

const MARK = { holds: 'holds', broken: 'BROKEN', bounded: 'no answer' } as const;

function printEntry(entry: Entry, explored: readonly Explored[]): void {
  console.log(`\n${entry.title} (${entry.name})`);
  console.log(`  Assumes: ${entry.assumes}.`);
  console.log(`  Price: ${entry.price}.`);
  const head = ['', 'states', 'depth', 'seconds', ...Object.keys(PROMISE)];
  const rows = explored.map(({ condition, exploration }) => [
    nameOf(condition),
    `${count(exploration.states)}${exploration.complete ? '' : '+'}`,
    String(exploration.depth),
    exploration.seconds.toFixed(1),
    ...exploration.verdicts.map(({ result }) => MARK[result]),
  ]);
  for (const line of columns([head, ...rows])) console.log(`  ${line}`);
  printCounterExample(explored);
}

/** What the promise is about, the most telling first; then the rest. */
const CORE = [PROMISE.cleanCancel, PROMISE.noContainer, PROMISE.noPod];
const REST = [PROMISE.cleanEnd, PROMISE.oneStart, PROMISE.noForeign, PROMISE.truth];

function printCounterExample(explored: readonly Explored[]): void {
  // What happens when an assumption is taken away comes after what happens while all hold.
  const fair = explored.filter(({ condition }) => !condition.assumptionLost);
  const lost = explored.filter(({ condition }) => condition.assumptionLost);
  const found = printFirst(CORE, fair) || printFirst(CORE, lost) || printFirst(REST, fair) || printFirst(REST, lost);
  if (!found) console.log('  No counter-example.');
}

function printFirst(properties: readonly string[], explored: readonly Explored[]): boolean {
  for (const property of properties)
    for (const { condition, exploration } of explored) {
      const verdict = exploration.verdicts.find((item) => item.property === property);
      if (verdict?.result !== 'broken') continue;
      console.log(`  Shortest counter-example to "${property}" (${condition.name}):`);
      for (const row of timeline(verdict)) console.log(`    ${row}`);
      return true;
    }
  return false;
}

/** One line for each protocol: what breaks the promise that a cancelled task leaves nothing and runs nothing. */
function printSummary(explored: readonly Explored[]): void {
  const core: readonly string[] = CORE;
  const breaks = ({ exploration }: Explored) =>
    exploration.verdicts.some(({ property, result }) => result === 'broken' && core.includes(property));
  console.log('\nCancelled means cancelled (no container, no Pod, nothing left): what breaks it');
  const rows = CATALOGUE.flatMap(({ name }) => {
    const own = explored.filter((one) => one.protocol === name);
    if (own.length === 0) return [];
    const broken = own.filter(breaks).map(({ condition }) => nameOf(condition));
    const states = own.reduce((sum, { exploration }) => sum + exploration.states, 0);
    const all = broken.length === own.length ? 'everything, also no fault at all' : broken.join(', ');
    return [[name, `${count(states)} states`, all || 'nothing that was tried']];
  });
  for (const line of columns(rows)) console.log(`  ${line}`);
  console.log(`\n${NOT_MODELLED}`);
}

const NOT_MODELLED =
  'Not modelled: more than one Reset or retry of a task, more than one task, forced deletion of Pods but by a kill, lost nodes, the age and ' +
  'strikes of the sweeper (it acts at the worst moment here), and time: whatever can be late may be late for ever.';

// --- Mutants ----------------------------------------------------------------------------------------------------------

function runMutants(options: Arguments): void {
  const findings = MUTANTS.map((mutant) => ({ mutant, caught: caughtBy(mutant, boundsOf(mutant.name, options)) }));
  if (options.json) {
    const mutants = findings.map(({ mutant, caught }) => ({ name: mutant.name, expected: mutant.caughtBy, ...caught }));
    return console.log(JSON.stringify({ kind: 'mutants', mutants }));
  }
  const rows = findings.map(({ mutant, caught }) => [
    mutant.name,
    caught.properties.length === 0 ? 'nothing notices: needless' : caught.properties.join('; '),
    `${count(caught.states)} states`,
  ]);
  for (const line of columns([['without', 'noticed by', ''], ...rows])) console.log(line);
}

// --- JSON -------------------------------------------------------------------------------------------------------------

function asJson({ protocol, condition, exploration }: Explored): object {
  const { states, steps, depth, seconds, complete } = exploration;
  const verdicts = exploration.verdicts.map((verdict) => ({
    property: verdict.property,
    result: verdict.result,
    ...(verdict.result === 'broken' && { counterExample: timeline(verdict) }),
  }));
  return { protocol, condition, states, steps, depth, seconds, complete, verdicts };
}
