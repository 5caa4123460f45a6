/** Files that the words name, read once each, with a sentence for each that cannot be. `-` is standard input. */
import { readFile, stat } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';

export type FileRead =
  | { readonly bytes: Uint8Array; readonly isExecutable: boolean }
  /** Why not, with what it is about: `problems.jsonl does not exist.` */
  | { readonly message: string };

/** Far beyond what the door accepts, so that nobody waits for a disk image to be read. Bytes. */
const LIMIT = 64 * 1024 * 1024;
const STDIN = '-';

const SENTENCES: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist.',
  EACCES: 'may not be read by you.',
  EPERM: 'may not be read by you.',
  EISDIR: 'is a directory; a file is wanted.',
  ENOTDIR: 'goes through a file as if that were a directory.',
  ELOOP: 'is a symbolic link that leads back to itself.',
};

export async function readInputs(paths: readonly string[]): Promise<ReadonlyMap<string, FileRead>> {
  const twice = paths.filter((path) => path === STDIN).length > 1;
  const unique = [...new Set(paths)];
  const read = await Promise.all(unique.map((path) => readInput(path, twice)));
  return new Map(unique.map((path, index) => [path, read[index] ?? { message: `${path} was not read.` }]));
}

async function readInput(path: string, stdinTwice: boolean): Promise<FileRead> {
  const name = path === STDIN ? 'standard input' : path === '' ? 'the empty name' : path;
  if (path === STDIN && stdinTwice) return { message: 'standard input can be read only once; name a file.' };
  try {
    const about = path === STDIN ? { size: 0, mode: 0 } : await stat(path);
    if (about.size > LIMIT) return { message: `${name} has ${about.size} bytes; at most ${LIMIT} are read.` };
    const bytes = path === STDIN ? await buffer(process.stdin) : await readFile(path);
    return { bytes, isExecutable: (about.mode & 0o111) !== 0 };
  } catch (error) {
    return { message: `${name} ${sentenceFor(error)}` };
  }
}

function sentenceFor(error: unknown): string {
  const { code = '', message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { message: String(error) };
  return SENTENCES[code] ?? `cannot be read: ${message}.`;
}
