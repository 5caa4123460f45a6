/** Problems and samples in HumanEval's format: every line, and that the two fit each other. */
import { z } from 'zod';
import { LIMITS, type JsonLines } from '../contract.ts';
import { numberedLines, unpackJsonLines, UNPACKED_BYTES, type NumberedLine } from '../workloads/json-lines.ts';
import { isBase64 } from './fields.ts';
import { fieldOf, show, type InputProblem } from './sentences.ts';

/** Python's own rule is Unicode's; its reserved words are no names. https://docs.python.org/3/reference/lexical_analysis.html */
const IDENTIFIER = /^[\p{ID_Start}_][\p{ID_Continue}]*$/u;
const RESERVED = new Set(
  `False None True and as assert async await break class continue def del elif else except finally for from global if
   import in is lambda nonlocal not or pass raise return try while with yield`.split(/\s+/),
);

const taskId = z.string().check((ctx) => {
  if (ctx.value !== '' && Buffer.byteLength(ctx.value) <= 200 && !/[\p{Cc}\p{Cs}]/u.test(ctx.value)) return;
  const message = `is ${show(ctx.value)}; it must be 1 to 200 bytes without control characters.`;
  ctx.issues.push({ code: 'custom', input: ctx.value, message });
});

const entryPoint = z.string().check((ctx) => {
  if (IDENTIFIER.test(ctx.value) && !RESERVED.has(ctx.value)) return;
  const message = `is ${show(ctx.value)}; it must be the name of a Python function.`;
  ctx.issues.push({ code: 'custom', input: ctx.value, message });
});

// Loose on purpose: HumanEval's problems carry canonical_solution, and its samples may carry an earlier result.
const problemLine = z.object({ task_id: taskId, prompt: z.string(), entry_point: entryPoint, test: z.string() });
const sampleLine = z.object({ task_id: taskId, completion: z.string() });

export type ProblemLine = z.infer<typeof problemLine>;
export type SampleLine = z.infer<typeof sampleLine>;

export interface SuiteFindings {
  readonly problems: readonly InputProblem[];
  /** Fields that unpack to more than UNPACKED_BYTES. */
  readonly tooLarge: readonly string[];
}

interface Read<Row> {
  readonly rows: readonly (NumberedLine & { readonly row: Row })[];
  readonly problems: readonly InputProblem[];
  readonly tooLarge: boolean;
}

/** Looks at what is given as `problems` and `samples`, whatever it is. */
export function checkSuite(problems: unknown, samples: unknown): SuiteFindings {
  const suite = readRows('problems', problems, problemLine);
  const answers = readRows('samples', samples, sampleLine);
  return {
    problems: [
      ...suite.problems,
      ...answers.problems,
      ...repeated(suite),
      ...strangers(suite, answers),
      ...tooMany(answers),
    ],
    tooLarge: [...(suite.tooLarge ? ['problems'] : []), ...(answers.tooLarge ? ['samples'] : [])],
  };
}

function readRows<Row>(field: string, given: unknown, schema: z.ZodType<Row>): Read<Row> {
  const none = { rows: [], problems: [], tooLarge: false };
  const lines = asJsonLines(given);
  if (lines === undefined) return { ...none, problems: [{ field, message: shapeMessage(given) }] };
  const unpacked = unpackJsonLines(lines);
  if (unpacked.kind === 'too_large') return { ...none, tooLarge: true };
  if (unpacked.kind === 'unreadable') return { ...none, problems: [{ field, message: unpacked.message }] };
  const read = numberedLines(unpacked.text).map((line) => ({ ...line, ...readRow(field, line, schema) }));
  if (read.length === 0)
    return { ...none, problems: [{ field, message: 'is empty; it must have at least one line.' }] };
  return {
    rows: read.flatMap(({ row, line, text }) => (row === undefined ? [] : [{ row, line, text }])),
    problems: read.flatMap((line) => line.problems),
    tooLarge: false,
  };
}

function readRow<Row>(field: string, { line, text }: NumberedLine, schema: z.ZodType<Row>) {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { row: undefined, problems: [{ field, message: `line ${line} is not JSON: ${show(text)}.` }] };
  }
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return { row: parsed.data, problems: [] };
  const problems = parsed.error.issues.map((issue) => ({ field, message: `line ${line}: ${rowMessage(issue)}` }));
  return { row: undefined, problems };
}

function rowMessage(issue: z.core.$ZodIssue): string {
  const name = fieldOf(issue.path);
  if (name === '') return `is ${show(issue.input)}; it must be an object.`;
  if (issue.code !== 'invalid_type') return `${name} ${issue.message}`;
  return issue.input === undefined ? `${name} is missing.` : `${name} is ${show(issue.input)}; it must be text.`;
}

function asJsonLines(given: unknown): JsonLines | undefined {
  if (typeof given !== 'object' || given === null || Object.keys(given).length !== 1) return undefined;
  if ('jsonl' in given && typeof given.jsonl === 'string') return { jsonl: given.jsonl };
  if ('gzip' in given && typeof given.gzip === 'string' && isBase64(given.gzip)) return { gzip: given.gzip };
  return undefined;
}

function shapeMessage(given: unknown): string {
  const accepted = 'either { jsonl: lines of JSON as text } or { gzip: the same, gzipped, in base64 }.';
  return given === undefined ? `is missing; it must be ${accepted}` : `must be ${accepted}`;
}

function repeated(suite: Read<ProblemLine>): InputProblem[] {
  const first = new Map<string, number>();
  return suite.rows.flatMap(({ line, row }) => {
    const before = first.get(row.task_id);
    if (before === undefined) first.set(row.task_id, line);
    if (before === undefined) return [];
    return [{ field: 'problems', message: `line ${line}: task_id ${show(row.task_id)} is on line ${before} already.` }];
  });
}

/** Samples for problems that are not there; only when the problems are all readable, or each would be said twice. */
function strangers(suite: Read<ProblemLine>, answers: Read<SampleLine>): InputProblem[] {
  if (suite.problems.length > 0 || suite.tooLarge) return [];
  const known = new Set(suite.rows.map(({ row }) => row.task_id));
  return answers.rows
    .filter(({ row }) => !known.has(row.task_id))
    .map(({ line, row }) => ({
      field: 'samples',
      message: `line ${line}: task_id ${show(row.task_id)} is not among the problems.`,
    }));
}

function tooMany(answers: Read<SampleLine>): InputProblem[] {
  if (answers.rows.length <= LIMITS.samples) return [];
  const message = `has ${answers.rows.length} samples; at most ${LIMITS.samples} are accepted in one task.`;
  return [{ field: 'samples', message }];
}

export const UNPACKED_LIMIT = UNPACKED_BYTES;
