import { LIMITS } from '../contract.ts';
import type { FieldProblem } from './failure.ts';

/** What is wrong with a reason, if anything: elsewhere it would be cut, but whoever typed it can still say it shorter. */
export function reasonProblems(reason: string): readonly FieldProblem[] {
  if (reason.length <= LIMITS.reasonLength) return [];
  return [{ field: 'reason', message: `has ${reason.length} characters; at most ${LIMITS.reasonLength} are kept.` }];
}
