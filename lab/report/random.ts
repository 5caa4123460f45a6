/** Numbers from a seed: the same seed, scenario and case give the same moments, whatever protocol they meet. */
import { createHash } from 'node:crypto';

/** Uniform in [0, 1). */
export function uniform(...from: readonly (string | number)[]): number {
  return createHash('sha256').update(from.join('/')).digest().readUInt32BE(0) / 2 ** 32;
}
