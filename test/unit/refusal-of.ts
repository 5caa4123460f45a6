import { HoldfastError } from '../../src/errors.ts';

/** Of a deed that a door must refuse. */
export function refusalOf(deed: () => unknown): HoldfastError {
  try {
    deed();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}
