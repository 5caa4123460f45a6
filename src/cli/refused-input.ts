import { HoldfastError } from '../errors.ts';
import type { FieldProblem } from './failure.ts';

/** The words were understood, and what they mean cannot be: with everything that is wrong, by field. */
export function refusedInput(...problems: readonly FieldProblem[]): HoldfastError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new HoldfastError('INPUT_INVALID', `The input has ${count}.`, { problems });
}
