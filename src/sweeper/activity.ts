/** The sweep that a Temporal Schedule asks for: one activity on a worker. */
import { perform } from '../activities/perform.ts';
import { HoldfastError } from '../errors.ts';
import { sweepTwice } from './keep-sweeping.ts';
import type { SweepReport } from './report.ts';
import type { Sweeper } from './sweeper.ts';

/** What Temporal keeps of a sweep; which runs went is in the worker's log. */
export interface SweepSummary extends Pick<SweepReport, 'at' | 'runs' | 'kept'> {
  readonly suspects: number;
  readonly removed: number;
  readonly unfinished: number;
}

export interface SweepActivities {
  readonly sweep: () => Promise<SweepSummary>;
}

/** Each sweep has a sweeper of its own, so that it does both looks itself. A refusal fails, to be seen in Temporal. */
export function createSweepActivities(
  open: () => Sweeper,
  everySeconds: number,
  onReport: (report: SweepReport) => void,
): SweepActivities {
  return {
    sweep: () =>
      perform(async ({ signal }) => {
        const report = await sweepTwice(open(), everySeconds, signal);
        onReport(report);
        const { at, runs, kept, suspects, removed, unfinished, refused } = report;
        if (refused !== undefined) throw new HoldfastError(refused.because, refused.message);
        return {
          at,
          runs,
          kept,
          suspects: suspects.length,
          removed: removed.length,
          unfinished: unfinished.length,
        };
      }),
  };
}
