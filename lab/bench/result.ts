/** What was measured, as it lies in docs/performance.json. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../dev/system/paths.ts';
import { writeJson } from '../report/json-file.ts';
import type { Setting } from '../stage/setting.ts';
import type { Estimate } from './estimate.ts';
import type { Trace } from './trace/trace.ts';

export type Unit = 'ms' | 's' | 'MB' | 'events' | 'requests' | 'a second' | 'watches';

/** One line of the table. */
export interface Measured {
  /** Stable: limits and texts find it by this. */
  readonly key: string;
  readonly title: string;
  readonly unit: Unit;
  readonly ours: Estimate;
  readonly floor?: Estimate;
  /** Ours over the floor. */
  readonly ratio?: Estimate;
  /** The smallest workflow for the same, and it over the floor, if there is one: what Temporal itself takes. */
  readonly smallest?: Estimate;
  readonly smallestRatio?: Estimate;
}

/** What one bench gave. */
export interface Row {
  readonly name: string;
  /** What stands beside it, in the same run. */
  readonly floor?: string;
  readonly size: number;
  readonly sizeMeans: string;
  readonly repeats: number;
  readonly measuredAt: string;
  readonly setting: Setting;
  readonly measured: readonly Measured[];
}

export interface Performance {
  readonly kind: 'performance';
  readonly rows: readonly Row[];
  readonly trace?: Trace;
}

export const DOCS = join(repository, 'docs');
const FILE = join(DOCS, 'performance.json');
const NOTHING: Performance = { kind: 'performance', rows: [] };

export function readPerformance(): Performance {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Performance) : NOTHING;
}

export function writePerformance(performance: Performance): void {
  writeJson(FILE, performance);
}

/** What was not measured this time stays as it is: an environment has one kind of nodes, and the table both. */
export function merged(before: Performance, row: Row, order: readonly string[]): Performance {
  const rows = [...before.rows.filter(({ name }) => name !== row.name), row];
  return { ...before, rows: rows.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name)) };
}

export function allMeasured({ rows }: Pick<Performance, 'rows'>): readonly Measured[] {
  return rows.flatMap(({ measured }) => measured);
}
