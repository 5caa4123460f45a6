/** Something outside the program is in the way: told to the reader as what happened, what it was for, and the ways out. */
export class Obstacle extends Error {
  override readonly name = 'Obstacle';
}

/** Someone asked for the end before there was a result: no failure, and no success either. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** "X; it was for Y. Ways out: a; b; c." */
export function obstacle(what: string, purpose: string, ...waysOut: readonly string[]): Obstacle {
  return new Obstacle(`${what}; it was for ${purpose}. Ways out: ${waysOut.join('; ')}.`);
}

const compose = 'use Docker Compose (`docker compose up`)';

export const waysWithoutLocalCluster: readonly string[] = ['use an existing cluster (`--context NAME`)', compose];
export const waysWithoutLocalTemporal: readonly string[] = [
  'name a running server in TEMPORAL_ADDRESS',
  'put the `temporal` command on the PATH',
  compose,
];
