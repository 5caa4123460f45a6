/** What many tasks need, from what one costs. */
import type { Measured } from '../result.ts';

export function needsSection(_measured: readonly Measured[]): readonly string[] {
  return [];
}
