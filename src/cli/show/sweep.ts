/** A sweep in a few lines: what was looked at, what was removed, and why the rest was not. */
import type { Orphan, SweepReport } from '../../sweeper/report.ts';
import { plain } from '../terminal.ts';
import { counted, span } from './text.ts';

export function showReport(report: SweepReport): string {
  const { suspects, removed, unfinished, refused, dryRun } = report;
  const stay = suspects.map(({ looks, ...orphan }) => {
    if (looks === 1) return `suspected ${named(orphan)}`;
    return `${dryRun && refused === undefined ? 'would remove' : 'not removed'} ${named(orphan)}`;
  });
  return [
    summary(report),
    ...removed.map((orphan) => `  removed ${named(orphan)}`),
    ...unfinished.map(({ because, ...orphan }) => `  still going: ${named(orphan)}: ${plain(because)}`),
    ...stay.map((line) => `  ${line}`),
    ...(refused
      ? [`Nothing was removed: ${plain(refused.message)} (${refused.because})`, `next: ${refused.next}`]
      : []),
  ].join('\n');
}

/** Looks between two whole ones are told only if something came of them. */
export function isNews({ looked, removed, unfinished, refused }: SweepReport): boolean {
  return looked === 'at all' || removed.length > 0 || unfinished.length > 0 || refused !== undefined;
}

function summary({ runs, seconds, kept }: SweepReport): string {
  const reasons = Object.entries(kept).flatMap(([reason, count]) => (count === 0 ? [] : [`${count} kept: ${reason}`]));
  return [`${counted(runs, 'run')} looked at in ${span(seconds * 1_000)}`, ...reasons].join('; ');
}

function named({ run, taskId, reason, kinds }: Orphan): string {
  return `${run} (${kinds.join(', ')}) of ${plain(taskId)}: ${reason}`;
}
