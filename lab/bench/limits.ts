/**
 * What a measurement may come to: limits.json. Each limit is the worst of the runs that it came from, with a margin for
 * the noise of machines; `reach` is what is wanted, and may be better than what is so far.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeJson } from '../report/json-file.ts';
import { allMeasured, type Measured, type Performance, type Row } from './result.ts';

export interface Limit {
  readonly key: string;
  /** Which number is held against it. */
  readonly of: 'ratio' | 'ours';
  /** What is wanted: no more than this. */
  readonly reach: number;
  /** Share of the worst run that may come on top. */
  readonly margin: number;
  /** Worst of the runs, with the margin; none before the first run. */
  readonly limit?: number;
  readonly runs: readonly Run[];
}

export interface Run {
  readonly measuredAt: string;
  readonly holdfast: string;
  readonly value: number;
}

const FILE = join(import.meta.dirname, 'limits.json');
/** The newest runs that a limit remembers. */
const KEPT = 5;

export function readLimits(): readonly Limit[] {
  return JSON.parse(readFileSync(FILE, 'utf8')) as readonly Limit[];
}

export function writeLimits(limits: readonly Limit[]): void {
  writeJson(FILE, limits);
}

/** The number that is held against the limit. */
export function valueOf(measured: Measured, of: Limit['of']): number | undefined {
  return (of === 'ratio' ? measured.ratio : measured.ours)?.value;
}

/** What is over its limit, one sentence each. */
export function exceeded(limits: readonly Limit[], rows: Performance['rows']): readonly string[] {
  const measured = new Map(allMeasured({ rows }).map((one) => [one.key, one]));
  return limits.flatMap(({ key, of, limit, margin, runs }) => {
    const found = measured.get(key);
    const value = found && valueOf(found, of);
    if (found === undefined || value === undefined || limit === undefined || value <= limit) return [];
    const what = of === 'ratio' ? `${rounded(value)} times its floor` : `${rounded(value)} ${found.unit}`;
    const worst = Math.max(...runs.map((run) => run.value));
    return [
      `${key}: ${found.title} is ${what}; the limit is ${rounded(limit)}, the worst of ${runs.length} runs (${rounded(worst)}) and ${Math.round(margin * 100)} %.`,
    ];
  });
}

/** The limits with these measurements among the runs they come from. */
export function accepted(limits: readonly Limit[], rows: readonly Row[]): readonly Limit[] {
  return limits.map((limit) => {
    const row = rows.find(({ measured }) => measured.some(({ key }) => key === limit.key));
    const measured = row?.measured.find(({ key }) => key === limit.key);
    const value = measured && valueOf(measured, limit.of);
    if (row === undefined || value === undefined) return limit;
    const run = { measuredAt: row.measuredAt, holdfast: row.setting.versions.holdfast, value: rounded(value) };
    const runs = [...limit.runs.filter(({ measuredAt }) => measuredAt !== run.measuredAt), run].slice(-KEPT);
    return { ...limit, limit: limitOf(runs, limit.margin), runs };
  });
}

export function limitOf(runs: readonly Run[], margin: number): number {
  return rounded(Math.max(...runs.map(({ value }) => value)) * (1 + margin));
}

/** Three digits that say something. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
