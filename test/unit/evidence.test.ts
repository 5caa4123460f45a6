/** What is said of the measurements follows from what was seen. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../lab/report/result.ts';
import { merged } from '../../lab/report/evidence.ts';
import { idIn } from '../../lab/report/faults.ts';
import { judge } from '../../lab/report/judge.ts';
import type { Observation } from '../../lab/report/observation.ts';
import { pictureOf } from '../../lab/report/picture.ts';
import { END, headIn, headOf, plain, START, withHead } from '../../lab/report/readme.ts';
import { render } from '../../lab/report/render.ts';
import { cellOf, percentile } from '../../lab/report/stats.ts';
import type { Table, TableRow } from '../../lab/report/table.ts';

const root = join(import.meta.dirname, '..', '..');

const CLEAN: Observation = {
  protocol: 'naive',
  scenario: 'B',
  index: 0,
  id: 'abc123-b0000',
  faulted: { request: 'create', at: 100 },
  letGoAt: 1_000,
  cancelAt: 900,
  firstAnswer: { at: 1_000, answer: 'cancelled' },
  lastAnswer: { at: 1_000, answer: 'cancelled' },
  ended: { at: 1_000, as: 'cancelled' },
  jobs: [],
  containers: [],
  liveJobs: 0,
  livePods: 0,
  judgedAt: 21_000,
};

const ORPHAN: Observation = {
  ...CLEAN,
  jobs: [{ uid: 'u', createdAt: 1_010 }],
  containers: [{ pod: 'p', startedAt: 1_500 }],
  liveJobs: 1,
  livePods: 1,
};

describe('the judge', () => {
  it('finds nothing wrong with a task that never had a container', () => {
    expect(judge(CLEAN)).toEqual({ orphan: false, unsettled: false, wastedSeconds: 0, early: false, answerMs: 100 });
  });

  it('calls a container that starts after "cancelled" an orphan and the answer untrue, and counts its whole payload', () => {
    const verdict = judge(ORPHAN);
    expect(verdict).toMatchObject({ orphan: true, wastedSeconds: 60, stopMs: 'never' });
    expect(verdict.untrue).toBe('said cancelled, then a container started');
  });

  it('calls the answer untrue though the late container was found and stopped', () => {
    const stopped = {
      ...ORPHAN,
      containers: [{ pod: 'p', startedAt: 1_500, stoppedAt: 2_500 }],
      liveJobs: 0,
      livePods: 0,
    };
    expect(judge(stopped)).toMatchObject({ orphan: false, wastedSeconds: 1, stopMs: 1_600 });
    expect(judge(stopped).untrue).toBeDefined();
  });

  it('tells a container on its way out from one that runs on', () => {
    const until = (stoppedAt: number) => judge({ ...CLEAN, containers: [{ pod: 'p', startedAt: 500, stoppedAt }] });
    expect(until(1_200)).toMatchObject({ early: false });
    expect(until(3_000)).toMatchObject({ early: true });
    expect(until(9_000).untrue).toBe('said cancelled, and a container ran on');
  });

  it('does not blame an answer that leaves it open, nor an ending that nobody was told', () => {
    expect(judge({ ...ORPHAN, lastAnswer: { at: 1_000, answer: 'cancelling' } }).untrue).toBeUndefined();
    const { firstAnswer: _f, lastAnswer: _l, ...forced } = ORPHAN;
    expect(judge(forced)).toMatchObject({ orphan: true });
    expect(judge(forced).untrue).toBeUndefined();
  });

  it('does not call it an orphan while the record says that the task lives', () => {
    const { ended: _, ...open } = ORPHAN;
    expect(judge(open)).toMatchObject({ orphan: false, unsettled: true });
  });

  it('blames "unknown" for a task that was submitted', () => {
    expect(judge({ ...CLEAN, lastAnswer: { at: 1_000, answer: 'unknown_task' } }).untrue).toContain('unknown');
  });
});

describe('the table', () => {
  it('shows "never" where a container was not stopped, and does not leave it out', () => {
    expect(cellOf([ORPHAN, ORPHAN, CLEAN])).toMatchObject({
      cases: 3,
      orphans: 2,
      untrue: 2,
      wastedSeconds: 120,
      stop: { n: 2, p50: 'never', p95: 'never' },
    });
  });

  it('takes percentiles that were really measured', () => {
    expect(percentile([5, 1, 4, 2, 3], 50)).toBe(3);
    expect(percentile([1, 2], 95)).toBe(2);
    expect(percentile([], 50)).toBeNaN();
  });

  it('keeps the rows that were not measured anew, in their order', () => {
    const before = tableOf([rowOf('naive', [ORPHAN]), rowOf('holdfast', [])]);
    const now = tableOf([rowOf('naive', [CLEAN])]);
    const { rows } = merged(before, now);
    expect(rows.map(({ name, total }) => [name, total?.orphans])).toEqual([
      ['naive', 0],
      ['holdfast', 0],
    ]);
  });

  it('says why a row has no numbers', () => {
    const { total: _, ...row } = rowOf('creation-lock', []);
    expect(render({ kind: 'evidence', table: tableOf([{ ...row, notRun: 'no Redis' }]) })).toContain(
      'not run: no Redis',
    );
  });
});

describe('the faults', () => {
  it('find the case in the name of its Job, whoever named it', () => {
    expect(idIn('eval-abc123-b0000')).toBe('abc123-b0000');
    expect(idIn('hf-abc123-b0000-0123456789abcdef0123')).toBe('abc123-b0000');
    expect(idIn('somebody-elses-job')).toBeUndefined();
  });
});

describe('the picture', () => {
  it('is drawn only of one case of each, and says what became of them', () => {
    const held = { ...CLEAN, protocol: 'holdfast', jobs: [{ uid: 'u', createdAt: 1_010, goneAt: 1_140 }] };
    expect(pictureOf([ORPHAN], 'light')).toBeUndefined();
    const picture = pictureOf([ORPHAN, held], 'dark') ?? '';
    expect(picture).toContain('an orphan');
    expect(picture).toContain('130 ms, suspended');
  });
});

describe('the README', () => {
  it('takes its head from the evidence, between its markers', () => {
    const head = headOf({ kind: 'evidence', table: tableOf([rowOf('naive', [ORPHAN])]) });
    expect(head).toContain('| 1/1 |');
    const readme = withHead(`before ${START} old ${END} after`, head);
    expect(headIn(readme)).toBe(plain(head));
    expect(readme.startsWith('before ') && readme.endsWith(' after')).toBe(true);
    expect(withHead('no markers', head)).toBe('no markers');
  });

  it('shows the numbers of docs/evidence.json, however its table is laid out', (context) => {
    const readme = read('README.md');
    const json = read('docs/evidence.json');
    const shown = readme === undefined ? undefined : headIn(readme);
    if (shown === undefined || json === undefined) {
      const reason = shown === undefined ? 'the README has no markers yet' : 'docs/evidence.json is not there yet';
      console.warn(`skipped: ${reason}`);
      context.skip(reason);
      return;
    }
    expect(shown).toBe(plain(headOf(JSON.parse(json) as Evidence)));
  });

  it('is one with docs/evidence.md: both are written from docs/evidence.json', (context) => {
    const json = read('docs/evidence.json');
    if (json === undefined) return context.skip('docs/evidence.json is not there yet');
    expect(read('docs/evidence.md')).toBe(render(JSON.parse(json) as Evidence));
  });
});

function read(path: string): string | undefined {
  const file = join(root, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function rowOf(name: string, seen: readonly Observation[]): TableRow {
  const cells = seen.length === 0 ? {} : { B: cellOf(seen) };
  return { name, title: name, assumes: '', price: '', cells, total: cellOf(seen), dropped: 0 };
}

function tableOf(rows: readonly TableRow[]): Table {
  return {
    kind: 'table',
    measuredAt: '2026-01-02T03:04:05.000Z',
    versions: { kubernetes: 'v1', temporal: '1', node: 'v24', redis: '7', holdfast: 'abc' },
    machine: { cores: 2, load: 1 },
    seed: '1',
    casesPerCell: 1,
    cleanUpSeconds: 300,
    rows,
    pictured: [],
  };
}
