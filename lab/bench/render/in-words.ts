/** Results for a terminal. */
import type { Estimate } from '../estimate.ts';
import type { Row, Unit } from '../result.ts';
import type { Trace } from '../trace/trace.ts';
import { hopRows } from './trace-section.ts';

export function inWords(rows: readonly Row[], trace?: Trace): string {
  const lines = rows.flatMap(({ name, measured }) => [
    name,
    ...measured.map(({ title, unit, ours, floor, ratio, smallest, smallestRatio }) => {
      const beside = floor === undefined ? '' : ` | floor ${amount(floor.value, unit)}`;
      const times = ratio === undefined ? '' : ` | ${times2(ratio)}`;
      const third =
        smallest === undefined
          ? ''
          : ` | smallest workflow ${[amount(smallest.value, unit), ...(smallestRatio ? [times2(smallestRatio)] : [])].join(', ')}`;
      return `  ${title}: ${amount(ours.value, unit)} (${amount(ours.low, unit)} to ${amount(ours.high, unit)})${beside}${times}${third}`;
    }),
  ]);
  const traced =
    trace === undefined
      ? []
      : [...hopsInWords('succeeds', trace.succeeded), ...hopsInWords('is cancelled', trace.cancelled)];
  return [...lines, ...traced].join('\n');
}

function hopsInWords(how: string, hops: Trace['succeeded']): readonly string[] {
  return [
    `\na task that ${how}`,
    ...hopRows(hops).map(
      ({ at, who, what, took }) => `${at.padStart(8)}  ${who.padEnd(10)}  ${what}${took === '' ? '' : `, ${took}`}`,
    ),
  ];
}

function times2({ value, low, high }: Estimate): string {
  return `${value.toFixed(2)} × (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** What is counted is named by its title. */
const NAMED: ReadonlySet<Unit> = new Set(['events', 'requests', 'watches']);

/** With three digits that say something, and its unit. */
export function amount(value: number, unit: Unit): string {
  const digits = value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
  return NAMED.has(unit) ? digits : `${digits} ${unit}`;
}
