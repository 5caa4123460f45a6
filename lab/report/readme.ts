/** The head of the README: the table in short, between markers, so that a number is never typed by hand. */
import type { Evidence } from './result.ts';
import { SCENARIO_NAMES } from './observation.ts';
import type { Cell } from './stats.ts';
import type { TableRow } from './table.ts';

export const START = '<!-- evidence:start -->';
export const END = '<!-- evidence:end -->';

/** Markdown; empty while nothing was measured. */
export function headOf({ table }: Evidence): string {
  if (table === undefined) return '';
  const { rows, versions, measuredAt } = table;
  return [
    `| orphans / cases | ${SCENARIO_NAMES.join(' | ')} | all | untrue answers | container-seconds after the cancel |`,
    `|---|${SCENARIO_NAMES.map(() => '---:').join('|')}|---:|---:|---:|`,
    ...rows.map(rowOf),
    '',
    'A: no fault. B: the create is held on the wire until the cancel is answered. L: until it is settled. C: its answer is cut.',
    'D: the processes are killed with it on the wire. E: the record is forced to its end (Terminate, or the row is set).',
    `Measured ${measuredAt.slice(0, 10)} on Kubernetes ${versions.kubernetes}, one real node, by \`npm run lab -- report\`; all of it, with how each was judged: [docs/evidence.md](docs/evidence.md).`,
  ].join('\n');
}

function rowOf({ title, cells, total, notRun }: TableRow): string {
  if (total === undefined) return `| ${title} | ${SCENARIO_NAMES.map(() => '').join(' | ')} | ${notRun ?? ''} | | |`;
  const orphans = (cell: Cell | undefined) => (cell === undefined ? '' : `${cell.orphans}/${cell.cases}`);
  const counts = SCENARIO_NAMES.map((name) => orphans(cells[name]));
  const wasted = Math.round(total.wastedSeconds).toLocaleString('en');
  return `| ${title} | ${counts.join(' | ')} | ${orphans(total)} | ${total.untrue} | ${wasted} |`;
}

/** The README with its head as it must be; unchanged while it has no markers. */
export function withHead(readme: string, head: string): string {
  const from = readme.indexOf(START);
  const to = readme.indexOf(END);
  if (from < 0 || to < from) return readme;
  return `${readme.slice(0, from + START.length)}\n\n${head}\n\n${readme.slice(to)}`;
}

/** What stands between the markers, however a formatter has laid out the table; undefined without markers. */
export function headIn(readme: string): string | undefined {
  const from = readme.indexOf(START);
  const to = readme.indexOf(END);
  return from < 0 || to < from ? undefined : plain(readme.slice(from + START.length, to));
}

export function plain(markdown: string): string {
  return markdown
    .replace(/-{3,}/g, '---')
    .replace(/[ \t]+/g, ' ')
    .replace(/ ?\| ?/g, '|')
    .trim();
}
