/** From the turns of many tasks at once to what is told of them. */
import { type Compared, type Sides, sides } from '../estimate.ts';
import type { Part } from '../processor-time.ts';
import type { Measured } from '../result.ts';
import type { Turn } from '../until-all.ts';

export type Turns = Readonly<Record<keyof Sides, readonly Turn[]>>;

/** The medians of a number that each turn has. */
export function mediansOf({ ours, smallest, floor }: Turns, number: (turn: Turn) => number): Compared {
  return sides({ ours: ours.map(number), smallest: smallest.map(number), floor: floor.map(number) }, 50);
}

/** Where the time goes on a machine that is never idle. */
export function processorRows(key: string, what: string, size: number, turns: Turns): readonly Measured[] {
  const unit = 'ms';
  const of = (part: Part) => mediansOf(turns, ({ spent }) => spent[part] / size);
  // A raw Job has no part in these.
  const withoutFloor = (part: Part) => {
    const { ours, smallest } = of(part);
    return { unit, ours, smallest } as const;
  };
  const [processor, ofIt] = [`${key}-processor`, `${what}: of it in`];
  return [
    { key: processor, title: `${what}: processor time of the machine, each`, unit, ...of('the whole machine') },
    { key: `${processor}-api-server`, title: `${ofIt} the API server`, unit, ...of('the API server') },
    { key: `${processor}-temporal`, title: `${ofIt} Temporal`, ...withoutFloor('Temporal') },
    { key: `${processor}-workers`, title: `${ofIt} the worker`, ...withoutFloor('the workers') },
  ];
}
