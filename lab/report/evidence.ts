/** The three tiers' results, as files: docs/evidence/{model,mutants,sweep-real,sweep-simulated,table,cancels,soak}.json in, docs/evidence.{md,json} and pictures out. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../dev/system/paths.ts';
import type { Evidence } from './result.ts';
import type { CancelsResult } from '../cancels/results.ts';
import type { SoakResult } from '../soak/results.ts';
import { writeJson } from './json-file.ts';
import type { ModelResult, MutantsResult, SweepResult } from './other-tiers.ts';
import { pictureOf } from './picture.ts';
import { headOf, withHead } from './readme.ts';
import { render } from './render.ts';
import { soakPicture } from './soak-picture.ts';
import type { Table } from './table.ts';

const DOCS = join(repository, 'docs');
const RESULTS = join(DOCS, 'evidence');
const README = join(repository, 'README.md');

/** Rows that were not measured this time stay as they are. */
export function merged(before: Table | undefined, now: Table): Table {
  const measured = new Set(now.rows.map(({ name }) => name));
  const kept = before?.rows.filter(({ name }) => !measured.has(name)) ?? [];
  if (kept.length === 0) return now;
  const pictured = [...now.pictured, ...(before?.pictured ?? []).filter(({ protocol }) => !measured.has(protocol))];
  return { ...now, rows: [...kept, ...now.rows].toSorted(byOrderOf(before)), pictured };
}

function byOrderOf(before: Table | undefined) {
  const order = before?.rows.map(({ name }) => name) ?? [];
  const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return (a: { name: string }, b: { name: string }) => place(a.name) - place(b.name);
}

export function writeEvidence(measured: Table | undefined): Evidence {
  const before = readResult<Table>('table.json');
  const table = measured === undefined ? before : merged(before, measured);
  if (table !== undefined) writeJson(join(RESULTS, 'table.json'), table);
  const model = readResult<ModelResult>('model.json');
  const mutants = readResult<MutantsResult>('mutants.json');
  const sweeps = ['sweep-real.json', 'sweep-simulated.json'].flatMap((name) => readResult<SweepResult>(name) ?? []);
  const cancels = readResult<CancelsResult>('cancels.json');
  const soak = readResult<SoakResult>('soak.json');
  const evidence: Evidence = {
    kind: 'evidence',
    ...(model && { model }),
    ...(mutants && { mutants }),
    ...(sweeps.length > 0 && { sweeps }),
    ...(table && { table }),
    ...(cancels && { cancels }),
    ...(soak && { soak }),
  };
  writeJson(join(DOCS, 'evidence.json'), evidence);
  writeFileSync(join(DOCS, 'evidence.md'), render(evidence));
  for (const theme of ['light', 'dark'] as const) {
    const picture = table && pictureOf(table.pictured, theme);
    if (picture !== undefined) writeFileSync(join(DOCS, `race-${theme}.svg`), picture);
    if (soak !== undefined) writeFileSync(join(DOCS, `soak-${theme}.svg`), soakPicture(soak, theme));
  }
  if (existsSync(README)) writeFileSync(README, withHead(readFileSync(README, 'utf8'), headOf(evidence)));
  return evidence;
}

function readResult<T>(name: string): T | undefined {
  const path = join(RESULTS, name);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
}
