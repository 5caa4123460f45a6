/** Sizes, looked at before anything else is: 10 MB of input is refused without being read. */
import { LIMITS } from '../contract.ts';
import { HoldfastError } from '../errors.ts';

/** Kept for what the worker adds to a plan: the evaluation's own program, keys, settings with their defaults. Bytes. */
const RESERVE = { evaluation: 40_000, command: 4_000, perFile: 64 } as const;

type Given = Readonly<Record<string, unknown>>;

/**
 * How many bytes the task takes as it is stored, which is what one ConfigMap must hold.
 * @throws HoldfastError INPUT_TOO_LARGE with `limit` and `actual` in bytes.
 */
export function checkSize(task: Given): void {
  const isEvaluation = task['workload'] === 'evaluation';
  const inputs = isEvaluation ? suiteBytes(task) : filesBytes(task['files']);
  const actual = inputs + planBytes(task) + (isEvaluation ? RESERVE.evaluation : RESERVE.command);
  if (actual <= LIMITS.inputBytes) return;
  const [what, advice] = isEvaluation
    ? ['problems and samples', ' Gzipped (`gzip` in place of `jsonl`) they take about an eighth.']
    : ['files, command, args and env', ''];
  const message = `${what} take ${actual} bytes as they are stored; at most ${LIMITS.inputBytes} are accepted.${advice}`;
  const problems = fieldsWithBytes(task, isEvaluation).map((field) => ({ field, message }));
  const facts = { limit: LIMITS.inputBytes, actual, problems };
  throw new HoldfastError('INPUT_TOO_LARGE', `The input is too large: ${message}`, facts);
}

function fieldsWithBytes(task: Given, isEvaluation: boolean): string[] {
  const fields = isEvaluation ? ['problems', 'samples'] : ['files', 'command', 'args', 'env'];
  return fields.filter((field) => task[field] !== undefined);
}

function suiteBytes(task: Given): number {
  return textBytes(task['problems'], 'jsonl', 'gzip') + textBytes(task['samples'], 'jsonl', 'gzip');
}

function filesBytes(files: unknown): number {
  if (!Array.isArray(files)) return 0;
  return files.reduce<number>((sum, file: unknown) => sum + RESERVE.perFile + textBytes(file, 'text', 'base64'), 0);
}

function textBytes(holder: unknown, plain: string, base64: string): number {
  if (typeof holder !== 'object' || holder === null) return 0;
  const { [plain]: text, [base64]: packed } = holder as Given;
  const packedBytes = typeof packed === 'string' ? Math.floor((packed.length * 3) / 4) : 0;
  return packedBytes + (typeof text === 'string' ? Buffer.byteLength(text) : 0);
}

function planBytes({ command, args, env, files }: Given): number {
  const paths = Array.isArray(files) ? files.map((file: Given | null | undefined) => file?.['path']) : [];
  return [command, args, env, paths].reduce<number>((sum, part) => sum + jsonBytes(part), 0);
}

/** What cannot be written as JSON takes nothing: the schemas refuse it. */
function jsonBytes(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value) ?? '');
  } catch {
    return 0;
  }
}
