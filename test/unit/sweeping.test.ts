/** Sweeping on and on, and what people read of it. */
import { describe, expect, it } from 'vitest';
import { isNews, showReport } from '../../src/cli/show/sweep.ts';
import { keepSweeping } from '../../src/sweeper/keep-sweeping.ts';
import type { SweepReport } from '../../src/sweeper/report.ts';
import { anchorOf, away, never, Theatre } from './sweep-theatre.ts';

describe('sweeping on and on', () => {
  it('looks soon at a Job that changed and at no others, and after a refusal at all or at none', async () => {
    const theatre = new Theatre();
    theatre.anchors = [anchorOf('open 1'), anchorOf('open 2')];
    const [changed] = theatre.anchors.map(({ name }) => name ?? '');
    const stop = new AbortController();
    let wake: (run: string) => void = () => undefined;
    const watch = {
      onJob: (seen: (run: string) => void) => {
        wake = seen;
        return () => undefined;
      },
    };
    const reports: SweepReport[] = [];
    const plot = [
      () => wake(changed ?? ''),
      () => {
        theatre.namespaceId = away;
        wake(changed ?? '');
      },
      () => {
        wake(changed ?? '');
        // A look that must not come would come 5 ms after the call.
        setTimeout(() => stop.abort(), 200);
      },
    ];
    const onReport = (report: SweepReport) => {
      reports.push(report);
      plot.shift()?.();
    };
    await keepSweeping({ sweeper: theatre.sweeper(), watch, everySeconds: 60, soonMs: 5, onReport }, stop.signal);
    expect(reports.map(({ looked, runs, refused }) => [looked, runs, refused?.because])).toEqual([
      ['at all', 2, undefined],
      ['soon', 1, undefined],
      ['soon', 0, 'TEMPORAL_UNREACHABLE'],
    ]);
  });
});

describe('what people read', () => {
  const reported = async (more: Partial<SweepReport> = {}): Promise<SweepReport> => ({
    ...(await new Theatre().sweeper().look('all', never)),
    ...more,
  });
  const orphan = { run: 'hf-a', taskId: 'a', reason: 'task closed', kinds: ['anchor', 'job'] } as const;

  it('names what was removed, what only would be, and what is merely suspected', async () => {
    expect(showReport(await reported({ removed: [orphan] }))).toContain('removed hf-a (anchor, job) of a: task closed');
    const seen = (looks: 1 | 2) => ({ dryRun: true, suspects: [{ ...orphan, looks }] });
    expect(showReport(await reported(seen(2)))).toContain('would remove hf-a');
    expect(showReport(await reported(seen(1)))).toContain('suspected hf-a');
  });

  it('says of a refusal what, why, and what to do', async () => {
    const refused = { because: 'SWEEP_REFUSED', message: 'Too many.', next: 'Look.' } as const;
    const report = await reported({ refused, looked: 'soon' });
    expect(showReport(report)).toMatch(/Nothing was removed: Too many\. \(SWEEP_REFUSED\)\nnext: Look\.$/);
    expect([isNews(report), isNews(await reported({ looked: 'soon' }))]).toEqual([true, false]);
  });
});
