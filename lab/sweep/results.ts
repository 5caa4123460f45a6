/** Where results are kept: a line per case, so that an interrupted sweep goes on where it was. */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseCase } from './cases.ts';
import type { CaseResult } from './theatre.ts';

/** A sweep may go on for days, and over several versions of the product. */
export interface KeptResult extends CaseResult {
  /** The commit that was played against. */
  readonly holdfast: string;
  /** The day, UTC. */
  readonly on: string;
}

export class Results {
  readonly #path: string | undefined;
  readonly #holdfast: string;
  readonly #results = new Map<string, KeptResult>();

  private constructor(path: string | undefined, holdfast: string) {
    this.#path = path;
    this.#holdfast = holdfast;
  }

  /** Without a path nothing is kept beyond this run. */
  static async open(path: string | undefined, holdfast: string): Promise<Results> {
    const results = new Results(path, holdfast);
    if (path === undefined) return results;
    await mkdir(dirname(path), { recursive: true });
    const text = await readFile(path, 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const result = line.startsWith('{') && line.endsWith('}') ? (JSON.parse(line) as KeptResult) : undefined;
      if (result !== undefined) results.#results.set(result.id, result);
    }
    return results;
  }

  has(id: string): boolean {
    return this.#results.has(id);
  }

  async add(result: CaseResult): Promise<void> {
    const kept = { ...result, holdfast: this.#holdfast, on: new Date().toISOString().slice(0, 10) };
    this.#results.set(result.id, kept);
    if (this.#path !== undefined) await appendFile(this.#path, `${JSON.stringify(kept)}\n`);
  }

  /** The result of a case with one offence more. */
  amended(id: string, offence: string): CaseResult {
    const result = this.#results.get(id);
    if (result === undefined) throw new TypeError(`${id} has no result: ${offence}`);
    return { ...result, offences: [...result.offences, offence] };
  }

  get all(): readonly KeptResult[] {
    return [...this.#results.values()];
  }
}

export interface Summary {
  readonly cases: number;
  /** How many with faults on the wire, how many with the worker killed or frozen as well. */
  readonly byKind: Readonly<Record<string, number>>;
  readonly versions: Readonly<Record<string, number>>;
  readonly days: readonly string[];
  readonly held: number;
  readonly failed: readonly CaseResult[];
  readonly cancelled: number;
  readonly answers: Readonly<Record<string, number>>;
  readonly latePods: number;
  /** Milliseconds from the end being waited for to the outcome told. */
  readonly p50: number;
  readonly p95: number;
}

export function summarise(results: readonly KeptResult[]): Summary {
  const failed = results.filter(({ offences }) => offences.length > 0);
  const times = results.map(({ ms }) => ms).toSorted((a, b) => a - b);
  // Of two middle values the upper one, the table's `percentile` the lower: what is published here was told so.
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
  return {
    cases: results.length,
    byKind: countBy(results, ({ id }) => KINDS[parseCase(id).kind]),
    versions: countBy(results, ({ holdfast }) => holdfast),
    days: [...new Set(results.map(({ on }) => on))].toSorted(),
    held: results.length - failed.length,
    failed,
    cancelled: results.filter(({ cancelled }) => cancelled).length,
    answers: countBy(results, ({ answer, outcome }) => answer ?? `not cancelled: ${outcome}`),
    latePods: results.reduce((sum, { latePods }) => sum + latePods, 0),
    p50: at(0.5),
    p95: at(0.95),
  };
}

const KINDS = {
  request: 'a fault at one request',
  seed: 'random faults',
  worker: 'the worker hit at one request',
  storm: 'random faults, and the worker hit at random',
} as const;

function countBy<T>(items: readonly T[], name: (item: T) => string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[name(item)] = (counts[name(item)] ?? 0) + 1;
  return counts;
}
