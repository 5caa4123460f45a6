/** From what evaluation-runner/ says, line by line, to the result. Lines without the nonce are somebody else's. */
import type { Ending, EvaluationOutput, Progress, SampleResult, SampleVerdict } from '../contract.ts';
import { problem } from '../errors.ts';
import { meanPassAtK, type ProblemCounts } from './pass-at-k.ts';
import type { OutputReader } from './workload.ts';

/** Samples that the result itself carries; results.jsonl has all. */
const INLINE_RESULTS = 1_000;

type Counts = Readonly<Record<SampleVerdict, number>>;

type Said =
  | {
      readonly kind: 'start';
      readonly total: number;
      readonly unattempted: { readonly count: number; readonly first: readonly string[] };
    }
  | ({ readonly kind: 'sample' } & SampleResult)
  | ({ readonly kind: 'end' } & Counts);

export function evaluationReader(nonce: string): OutputReader {
  const rows = new Map<number, SampleResult>();
  let start: Extract<Said, { kind: 'start' }> | undefined;
  let end: Counts | undefined;
  let wrong: string | undefined;

  function take(said: Said | undefined): void {
    if (said === undefined) wrong ??= 'a line of the runner is not what it writes';
    else if (said.kind === 'start') start = said;
    else if (said.kind === 'end') end = said;
    else if (rows.has(said.index)) wrong ??= `sample ${said.index} was reported twice`;
    else rows.set(said.index, rowOf(said));
  }

  return {
    get rows() {
      return inOrder(rows);
    },
    line(text) {
      if (!text.startsWith(`${nonce} `)) return undefined;
      take(parse(text.slice(nonce.length + 1)));
      return start && progress(start.total, counts(rows.values()));
    },
    end() {
      const total = start?.total ?? 0;
      const why = wrong ?? disagreement(start?.total, [...rows.keys()], counts(rows.values()), end);
      if (why !== undefined) return unreadable(why, rows.size, total);
      return { kind: 'succeeded', output: report(inOrder(rows), start?.unattempted) };
    },
  };
}

/** The nonce vouches for who wrote the line; this, for that it arrived whole. */
function parse(json: string): Said | undefined {
  try {
    const said = JSON.parse(json) as Partial<Said>;
    return said.kind === 'start' || said.kind === 'sample' || said.kind === 'end' ? (said as Said) : undefined;
  } catch {
    return undefined;
  }
}

function rowOf({ task_id, index, verdict, seconds, reason }: SampleResult): SampleResult {
  return { task_id, index, verdict, seconds, ...(reason !== undefined && { reason }) };
}

function inOrder(rows: ReadonlyMap<number, SampleResult>): SampleResult[] {
  return [...rows.values()].toSorted((a, b) => a.index - b.index);
}

function counts(rows: Iterable<SampleResult>): Counts {
  const sum = { passed: 0, failed: 0, timed_out: 0 };
  for (const { verdict } of rows) sum[verdict] += 1;
  return sum;
}

function progress(total: number, { passed, failed, timed_out }: Counts): Progress {
  const note = [`${passed} passed`, `${failed} failed`, ...(timed_out > 0 ? [`${timed_out} timed out`] : [])].join(
    ', ',
  );
  return { done: passed + failed + timed_out, total, note };
}

/** Why what arrived cannot be the whole: every sample once, and the runner's own sums. */
function disagreement(total: number | undefined, indexes: readonly number[], seen: Counts, end: Counts | undefined) {
  if (total === undefined) return 'its first line is missing';
  if (end === undefined) return 'its last line is missing';
  if (indexes.some((index) => !Number.isInteger(index) || index < 0 || index >= total)) {
    return 'a sample has an index that no sample has';
  }
  if (indexes.length !== total) return 'the lines of some samples are missing';
  const agree = seen.passed === end.passed && seen.failed === end.failed && seen.timed_out === end.timed_out;
  return agree ? undefined : 'its counts do not agree with its lines';
}

function unreadable(why: string, seen: number, total: number): Ending {
  const message = `The evaluation ended well, but ${why} (${seen} of ${total} samples arrived).`;
  return { kind: 'failed', problem: problem('RESULT_UNREADABLE', message, { samplesRead: seen, samples: total }) };
}

function report(rows: readonly SampleResult[], unattempted: { count: number; first: readonly string[] } | undefined) {
  const sum = counts(rows);
  const problems = byProblem(rows);
  const output: EvaluationOutput = {
    problems: problems.length,
    samples: rows.length,
    passed: sum.passed,
    failed: sum.failed,
    timedOut: sum.timed_out,
    passAtK: meanPassAtK(problems),
    results: rows.slice(0, INLINE_RESULTS),
    resultsLeftOut: Math.max(0, rows.length - INLINE_RESULTS),
    ...(unattempted !== undefined && unattempted.count > 0 && { unattempted }),
  };
  return output;
}

function byProblem(rows: readonly SampleResult[]): ProblemCounts[] {
  const problems = new Map<string, { samples: number; passed: number }>();
  for (const { task_id, verdict } of rows) {
    const before = problems.get(task_id) ?? { samples: 0, passed: 0 };
    problems.set(task_id, {
      samples: before.samples + 1,
      passed: before.passed + (verdict === 'passed' ? 1 : 0),
    });
  }
  return [...problems.values()];
}
