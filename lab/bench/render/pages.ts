/** docs/performance.md and its chart, from docs/performance.json and the limits. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Limit } from '../limits.ts';
import { allMeasured, DOCS, type Performance } from '../result.ts';
import { chartOf } from './chart.ts';
import { render } from './page.ts';

export function writePages(performance: Performance, limits: readonly Limit[]): void {
  if (performance.rows.length === 0) return;
  writeFileSync(join(DOCS, 'performance.md'), render(performance, limits));
  for (const theme of ['light', 'dark'] as const) {
    const chart = chartOf(allMeasured(performance), limits, theme);
    if (chart !== undefined) writeFileSync(join(DOCS, `performance-${theme}.svg`), chart);
  }
}
