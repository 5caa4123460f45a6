/** Sizes, looked at before anything else is: 10 MB of input is refused without being read. */
import { LIMITS } from '../contract.ts';
import { HoldfastError } from '../errors.ts';

export type Given = Readonly<Record<string, unknown>>;

/** What of a task is stored. */
export interface Stored {
  readonly fields: readonly string[];
  readonly bytes: (task: Given) => number;
  /** Kept for what the worker adds to a plan: keys, settings with their defaults, a program of our own. Bytes. */
  readonly reserve: number;
  readonly advice: string;
}

export const filesStored: Stored = {
  fields: ['files', 'command', 'args', 'env'],
  bytes: (task) => filesBytes(task['files']) + planBytes(task),
  reserve: 4_000,
  advice: '',
};

export const suiteStored: Stored = {
  fields: ['problems', 'samples'],
  bytes: suiteBytes,
  reserve: 40_000,
  advice: ' Gzipped (`gzip` in place of `jsonl`) they take about an eighth.',
};

/** Of each file beside its own bytes. */
const FILE_RESERVE = 64;

/**
 * How many bytes the task takes as it is stored, which is what one ConfigMap must hold.
 * @throws HoldfastError INPUT_TOO_LARGE with `limit` and `actual` in bytes.
 */
export function checkSize(task: Given, { fields, bytes, reserve, advice }: Stored): void {
  const actual = bytes(task) + reserve;
  if (actual <= LIMITS.inputBytes) return;
  const what = fields.join(', ').replace(/, (\w+)$/, ' and $1');
  const message = `${what} take ${actual} bytes as they are stored; at most ${LIMITS.inputBytes} are accepted.${advice}`;
  const problems = fields.filter((field) => task[field] !== undefined).map((field) => ({ field, message }));
  const facts = { limit: LIMITS.inputBytes, actual, problems };
  throw new HoldfastError('INPUT_TOO_LARGE', `The input is too large: ${message}`, facts);
}

function suiteBytes(task: Given): number {
  return textBytes(task['problems'], 'jsonl', 'gzip') + textBytes(task['samples'], 'jsonl', 'gzip');
}

function filesBytes(files: unknown): number {
  if (!Array.isArray(files)) return 0;
  return files.reduce<number>((sum, file: unknown) => sum + FILE_RESERVE + textBytes(file, 'text', 'base64'), 0);
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
