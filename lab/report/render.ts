/** The evidence as a page. */
import { PAYLOAD } from '../protocols/jobs.ts';
import { cancelsSection } from './cancels-section.ts';
import type { Evidence } from './result.ts';
import { type Scenario, SCENARIO_NAMES, SCENARIOS } from './observation.ts';
import { modelSection, mutantsSection, sweepSection } from './other-tiers.ts';
import { soakSection } from './soak-section.ts';
import type { Cell, Percentile } from './stats.ts';
import type { Table, TableRow } from './table.ts';

export function render({ model, mutants, sweeps, table, cancels, soak }: Evidence): string {
  return [
    '# Evidence',
    '',
    'Written by `npm run lab -- report`. Every number here is in [evidence.json](evidence.json); none is typed by hand.',
    '',
    ...(table === undefined ? [] : tableSections(table)),
    ...(model === undefined ? [] : modelSection(model)),
    ...(mutants === undefined ? [] : mutantsSection(mutants)),
    ...(sweeps === undefined ? [] : sweepSection(sweeps)),
    ...(cancels === undefined ? [] : cancelsSection(cancels)),
    ...(soak === undefined ? [] : soakSection(soak)),
  ].join('\n');
}

function tableSections(table: Table): readonly string[] {
  return [
    '## Tier 3: the table',
    '',
    ...provenance(table),
    '',
    'All scenarios together:',
    '',
    ...cellTable(table, (row) => row.total),
    '',
    ...reading(table),
    '',
    ...picture(table),
    ...SCENARIO_NAMES.flatMap((name) => scenarioSection(table, name)),
    ...protocolSection(table),
  ];
}

function provenance({ measuredAt, versions, machine, seed, casesPerCell, rows }: Table): readonly string[] {
  const cases = rows.reduce((sum, { total }) => sum + (total?.cases ?? 0), 0);
  const dropped = rows.reduce((sum, row) => sum + row.dropped, 0);
  return [
    `Measured ${measuredAt.slice(0, 16).replace('T', ' ')} UTC: ${cases.toLocaleString('en')} cases, ${casesPerCell} per protocol and scenario, seed ${seed};`,
    `${dropped === 0 ? 'none was left out' : `${dropped} more could not be played and are left out`}.`,
    `One real node; Kubernetes ${versions.kubernetes}, Temporal ${versions.temporal}, Node ${versions.node}, Redis ${versions.redis}; Holdfast ${versions.holdfast}.`,
    `${machine.cores} cores, shared with other work; load average ${machine.load}. The counts of B, L, D and E do not depend on that; those of A and C, and all seconds, do.`,
  ];
}

const HEAD = [
  '| protocol | cases | orphans | never settled | container-s after cancel | cancel → last container stopped p50 / p95 (n) | cancel → settled answer p50 / p95 | untrue answers | told early |',
  '|---|---:|---:|---:|---:|---|---|---:|---:|',
];

function cellTable({ rows }: Table, cellOf: (row: TableRow) => Cell | undefined): readonly string[] {
  return [...HEAD, ...rows.map((row) => cellRow(row, cellOf(row)))];
}

function cellRow({ title, notRun }: TableRow, cell: Cell | undefined): string {
  if (cell === undefined) return `| ${title} | not run${notRun === undefined ? '' : `: ${notRun}`} | | | | | | | |`;
  const { stop, answer } = cell;
  const stopped =
    stop === undefined ? 'none ran after the cancel' : `${seconds(stop.p50)} / ${seconds(stop.p95)} (${stop.n})`;
  const answered = answer === undefined ? '–' : `${seconds(answer.p50)} / ${seconds(answer.p95)}`;
  const orphans = cell.orphans === 0 ? '0' : `**${cell.orphans}**`;
  return `| ${title} | ${cell.cases} | ${orphans} | ${cell.unsettled} | ${cell.wastedSeconds.toFixed(1)} | ${stopped} | ${answered} | ${cell.untrue} | ${cell.early} |`;
}

function seconds(value: Percentile): string {
  return value === 'never' ? 'never' : `${value.toFixed(1)} s`;
}

function reading({ cleanUpSeconds, limits }: Table): readonly string[] {
  const limited = limits === undefined ? '' : `, limited to ${limits['cpu']} of a core for every protocol`;
  return [
    'How to read it:',
    '',
    '- *Orphan*: 20 s after everything had been answered and let go, the record said that the task was over, and a Job or Pod of it was alive',
    '  (not finished, not being deleted), read at the API server itself.',
    '- *Container-seconds after the cancel*: to the real end of the container; of one that still ran, to the end of its payload 60 s after its start.',
    '  A real job would run on.',
    '- *Never*: at that percentile the container was not stopped at all. `n` counts the cases in which one ran after the cancel.',
    '- *Untrue*: "cancelled" was said, and a container started later or ran on for more than its grace period of 5 s; or a task that exists was called unknown.',
    '  In E nobody is answered, so nothing can be untrue. *Told early*: "cancelled" was said while a container was still being stopped.',
    '- *Never settled*: within 60 s the cancel came to no end. An answer of `cancelling` is not untrue.',
    `- The payload is \`${PAYLOAD.replaceAll('|', '\\|')}\` in busybox${limited}. The clean-up of the interim solution runs every ${cleanUpSeconds} s: what it would remove`,
    '  after the case was judged still counts as an orphan.',
    '- Every baseline is at its best: fixed Job names, compare-and-set on the record, a create that stays unclear is tried again, a queue that delivers again,',
    '  a kill that is Foreground and waits until the Pods are gone. "Cancelled" is said as late as the option allows.',
    '- In every second case of Holdfast the fault meets the request that lets the Job make Pods, which others do not have.',
    '- B, L, C, D and E are forced: they say whether a design survives, not how often it happens. A is chance, on a quiet loopback network.',
    '',
  ];
}

function picture({ pictured }: Table): readonly string[] {
  if (pictured.length === 0) return [];
  return [
    'The median case of B of each, as it was measured:',
    '',
    '<picture>',
    '  <source media="(prefers-color-scheme: dark)" srcset="race-dark.svg">',
    '  <img alt="The same held create under the naive dispatcher and under Holdfast, as a timeline" src="race-light.svg">',
    '</picture>',
    '',
  ];
}

function scenarioSection(table: Table, name: Scenario): readonly string[] {
  if (table.rows.every(({ cells }) => cells[name] === undefined)) return [];
  return [`### ${name}: ${SCENARIOS[name]}`, '', ...cellTable(table, ({ cells }) => cells[name]), ''];
}

function protocolSection({ rows }: Table): readonly string[] {
  return [
    '### What each assumes, what it costs, what it said',
    '',
    '| protocol | assumes | price | untrue answers |',
    '|---|---|---|---|',
    ...rows.map(({ title, assumes, price, total }) => {
      const untruths = Object.entries(total?.untruths ?? {}).map(([what, count]) => `${count} × ${what}`);
      return `| ${title} | ${assumes} | ${price} | ${untruths.join('; ') || 'none'} |`;
    }),
    '',
  ];
}
