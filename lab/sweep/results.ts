/** Where results are kept: a line per case, so that an interrupted sweep goes on where it was. */
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CaseResult } from './theatre.ts';

export class Results {
  readonly #path: string | undefined;
  readonly #results = new Map<string, CaseResult>();

  private constructor(path: string | undefined) {
    this.#path = path;
  }

  /** Without a path nothing is kept beyond this run. */
  static async open(path: string | undefined): Promise<Results> {
    const results = new Results(path);
    if (path === undefined) return results;
    await mkdir(dirname(path), { recursive: true });
    const text = await readFile(path, 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const result = line.startsWith('{') && line.endsWith('}') ? (JSON.parse(line) as CaseResult) : undefined;
      if (result !== undefined) results.#results.set(result.id, result);
    }
    return results;
  }

  has(id: string): boolean {
    return this.#results.has(id);
  }

  async add(result: CaseResult): Promise<void> {
    this.#results.set(result.id, result);
    if (this.#path !== undefined) await appendFile(this.#path, `${JSON.stringify(result)}\n`);
  }

  /** The result of a case with one offence more. */
  amended(id: string, offence: string): CaseResult {
    const result = this.#results.get(id);
    if (result === undefined) throw new TypeError(`${id} has no result: ${offence}`);
    return { ...result, offences: [...result.offences, offence] };
  }

  get all(): readonly CaseResult[] {
    return [...this.#results.values()];
  }
}

export interface Summary {
  readonly cases: number;
  readonly held: number;
  readonly failed: readonly CaseResult[];
  readonly cancelled: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly latePods: number;
  /** Milliseconds from the end being waited for to the outcome told. */
  readonly p50: number;
  readonly p95: number;
}

export function summarise(results: readonly CaseResult[]): Summary {
  const failed = results.filter(({ offences }) => offences.length > 0);
  const answers: Record<string, number> = {};
  for (const { answer, outcome } of results) {
    const name = answer ?? `not cancelled: ${outcome}`;
    answers[name] = (answers[name] ?? 0) + 1;
  }
  const times = results.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
  return {
    cases: results.length,
    held: results.length - failed.length,
    failed,
    cancelled: results.filter(({ cancelled }) => cancelled).length,
    answers,
    latePods: results.reduce((sum, { latePods }) => sum + latePods, 0),
    p50: at(0.5),
    p95: at(0.95),
  };
}

export async function writeSummary(path: string, summary: Summary & Readonly<Record<string, unknown>>): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(summary, undefined, 2)}\n`);
}
