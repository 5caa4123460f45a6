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

/** Both sides in turn, each first in every second turn, after one turn that does not count. */
export async function interleaved<T>(
  { repeats, tell }: How,
  ours: Play<T>,
  floor: Play<T>,
): Promise<{ readonly ours: readonly T[]; readonly floor: readonly T[] }> {
  const seen: { ours: T[]; floor: T[] } = { ours: [], floor: [] };
  for (let turn = 0; turn <= repeats; turn += 1) {
    const sides = [
      { into: seen.ours, play: ours },
      { into: seen.floor, play: floor },
    ] as const;
    for (const { into, play } of turn % 2 === 0 ? sides : sides.toReversed()) {
      const result = await play(turn);
      if (turn > 0) into.push(result);
    }
    tell(turn === 0 ? 'warmed up' : `${turn} of ${repeats}`);
  }
  return seen;
}
