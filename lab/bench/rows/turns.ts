/** From the turns of many tasks at once to what is told of them. */
import { type Sides, sides } from '../estimate.ts';
import type { Part } from '../processor-time.ts';
import type { Measured } from '../result.ts';
import type { Turn } from '../until-all.ts';

export type Turns = Readonly<Record<keyof Sides, readonly Turn[]>>;

export function eachTurn({ ours, smallest, floor }: Turns, number: (turn: Turn) => number): Sides {
  return { ours: ours.map(number), smallest: smallest.map(number), floor: floor.map(number) };
}

/** Where the time goes on a machine that is never idle. */
export function processorRows(key: string, what: string, size: number, turns: Turns): readonly Measured[] {
  const of = (part: Part) =>
    sides(
      eachTurn(turns, ({ spent }) => spent[part] / size),
      50,
    );
  const [temporal, workers] = [of('Temporal'), of('the workers')];
  const unit = 'ms';
  return [
    {
      key: `${key}-processor`,
      title: `${what}: processor time of the machine, each`,
      unit,
      ...of('the whole machine'),
    },
    { key: `${key}-processor-api-server`, title: `${what}: of it in the API server`, unit, ...of('the API server') },
    // A raw Job has no part in these.
    {
      key: `${key}-processor-temporal`,
      title: `${what}: of it in Temporal`,
      unit,
      ours: temporal.ours,
      smallest: temporal.smallest,
    },
    {
      key: `${key}-processor-workers`,
      title: `${what}: of it in the worker`,
      unit,
      ours: workers.ours,
      smallest: workers.smallest,
    },
  ];
}
