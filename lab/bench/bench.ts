/** What a row of the table is to the harness: a name, what it needs, and how it is measured. */
import type { Measured } from './result.ts';
import type { Tools } from './ground.ts';

export interface Bench {
  readonly name: string;
  /** What it is, in a few words. */
  readonly title: string;
  /** What is measured beside it; undefined if there is nothing below it. */
  readonly floor?: string;
  /** Nodes that it needs; `any` also stands for none at all. */
  readonly nodes: 'real' | 'simulated' | 'any';
  readonly size: number;
  readonly sizeMeans: string;
  readonly repeats: number;
  readonly measure: (tools: Tools, how: How) => Promise<readonly Measured[]>;
}

export interface How {
  readonly size: number;
  readonly repeats: number;
  /** Progress, for whoever waits. */
  readonly tell: (message: string) => void;
}

type Play<T> = (index: number) => Promise<T>;

/** All sides in turn, the other way round every second time, after one turn that does not count. */
export async function interleaved<T, Side extends string>(
  { repeats, tell }: How,
  plays: Readonly<Record<Side, Play<T>>>,
): Promise<Readonly<Record<Side, readonly T[]>>> {
  const sides = Object.entries<Play<T>>(plays).map(([side, play]) => ({ side, play, results: [] as T[] }));
  for (let turn = 0; turn <= repeats; turn += 1) {
    for (const { play, results } of turn % 2 === 0 ? sides : sides.toReversed()) {
      const result = await play(turn);
      if (turn > 0) results.push(result);
    }
    tell(turn === 0 ? 'warmed up' : `${turn} of ${repeats}`);
  }
  return Object.fromEntries(sides.map(({ side, results }) => [side, results])) as Record<Side, T[]>;
}
