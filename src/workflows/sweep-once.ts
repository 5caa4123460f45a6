/** One sweep, on request of a Temporal Schedule. The overlap, the interval and a pause are the Schedule's. */
import type { SweepSummary } from '../sweeper/activity.ts';
import { sweep } from './activity-policies.ts';

export function sweepOnce(): Promise<SweepSummary> {
  return sweep();
}
