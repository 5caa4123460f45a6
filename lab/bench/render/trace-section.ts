/** A trace as a table: what happened when, who did it, and how long it took. */
import type { Hop } from '../trace/hop.ts';
import type { Trace } from '../trace/trace.ts';

interface HopRow {
  readonly at: string;
  readonly who: string;
  readonly what: string;
  readonly took: string;
}

export function hopRows(hops: readonly Hop[]): readonly HopRow[] {
  return hops.map(({ at, who, what, took }) => ({
    at: `${Math.round(at)} ms`,
    who,
    what,
    took: took === undefined ? '' : `took ${took < 10 ? took.toFixed(1) : Math.round(took)} ms`,
  }));
}

export function traceSection({ of, measuredAt, succeeded, cancelled }: Trace): readonly string[] {
  return [
    '## Where the time goes',
    '',
    `Of ${of} tasks on a real node each the median one, measured ${measuredAt.slice(0, 10)}, with a proxy before the API server that sees each request`,
    "and adds a millisecond or two to it. Times of history events are Temporal's own, those of the container its runtime's, all of one machine.",
    '',
    ...table('### A task that runs for a second', succeeded),
    ...table('### A cancel', cancelled),
  ];
}

function table(title: string, hops: readonly Hop[]): readonly string[] {
  return [
    title,
    '',
    '| at | who | what | took |',
    '|---:|---|---|---:|',
    ...hopRows(hops).map(({ at, who, what, took }) => `| ${at} | ${who} | ${what} | ${took.replace('took ', '')} |`),
    '',
  ];
}
