/** Temporary: prints. */
import { writeFileSync } from 'node:fs';
import type { Table } from './table.ts';
export async function writeEvidence(table: Table | undefined): Promise<unknown> {
  writeFileSync('/tmp/tc/table.json', JSON.stringify(table, undefined, 1));
  for (const row of table?.rows ?? [])
    console.error(
      row.name,
      row.notRun ?? '',
      Object.entries(row.cells)
        .map(
          ([k, c]) =>
            `${k}: ${c.cases}c ${c.orphans}o ${c.unsettled}u ${c.wastedSeconds}s untrue ${c.untrue} early ${c.early} stop ${JSON.stringify(c.stop)} ${JSON.stringify(c.answers)}`,
        )
        .join('\n   '),
    );
  return table;
}
