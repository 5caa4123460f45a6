/** Something outside the program is in the way: told to the reader as what happened, what it was for, and the ways out. */
export class Obstacle extends Error {
  override readonly name = 'Obstacle';
}

/** Someone asked for the end before there was a result: no failure, and no success either. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

const existingCluster = 'an existing cluster (`--context NAME`)';
const compose = 'Docker Compose (`docker compose up`)';

/** "X is missing; it was for Y. Ways out: a, b or c." */
export function obstacle(what: string, purpose: string, ...waysOut: readonly string[]): Obstacle {
  return new Obstacle(`${what}; it was for ${purpose}. Ways out: ${waysOut.join('; ')}.`);
}

export function missingProgram(program: string, purpose: string, install: string): Obstacle {
  return obstacle(
    `${program} was not found on the PATH`,
    purpose,
    `install ${install}`,
    `use ${existingCluster}`,
    `use ${compose}`,
  );
}

export const waysWithoutLocalCluster: readonly string[] = [`use ${existingCluster}`, `use ${compose}`];
