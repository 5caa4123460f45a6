import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { waitForLock } from '../system/lock.ts';

/** One thing that is built once and then kept: a folder whose name says from what it was made. */
export interface Entry {
  readonly name: string;
  /** Everything that decides what comes out; another key is another folder. */
  readonly key: readonly string[];
  build(folder: string): Promise<void>;
}

interface ManifestFile {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly sha256: string;
}

const manifestName = 'holdfast-manifest.json';

/**
 * Gives the folder of a built entry, building it first if it is not there or not whole. Safe under two starts at once
 * (a lock that dies with its holder) and under a kill at any moment (built aside, then renamed).
 */
export async function ensure(cache: string, entry: Entry, onWait?: () => void): Promise<string> {
  const folder = folderOf(cache, entry);
  if (await isWhole(folder)) return folder;
  const lock = await waitForLock(join(cache, 'locks', `${entry.name}.lock`), onWait);
  try {
    if (!(await isWhole(folder))) await buildAside(cache, folder, entry);
    return folder;
  } finally {
    lock.release();
  }
}

export const isBuilt = (cache: string, entry: Omit<Entry, 'build'>): Promise<boolean> =>
  isWhole(folderOf(cache, entry));

const folderOf = (cache: string, { name, key }: Omit<Entry, 'build'>): string => join(cache, `${name}-${hashOf(key)}`);

async function buildAside(cache: string, folder: string, entry: Entry): Promise<void> {
  const aside = join(cache, `.building-${entry.name}`);
  rmSync(aside, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  await entry.build(aside);
  await writeManifest(aside);
  renameSync(aside, folder);
}

async function writeManifest(folder: string): Promise<void> {
  const files: ManifestFile[] = [];
  for (const path of filesIn(folder))
    files.push({ path, ...stamp(join(folder, path)), sha256: await sha256(join(folder, path)) });
  writeFileSync(join(folder, manifestName), JSON.stringify(files, undefined, 2));
}

/** A file that was not touched since it was built is taken as good; one that was is read again. */
async function isWhole(folder: string): Promise<boolean> {
  if (!existsSync(join(folder, manifestName))) return false;
  try {
    const files: readonly ManifestFile[] = JSON.parse(readFileSync(join(folder, manifestName), 'utf8'));
    for (const file of files) if (!(await isUnchanged(folder, file))) return false;
    return files.length > 0;
  } catch {
    return false;
  }
}

async function isUnchanged(folder: string, file: ManifestFile): Promise<boolean> {
  const { size, mtimeMs } = stamp(join(folder, file.path));
  return size === file.size && (mtimeMs === file.mtimeMs || (await sha256(join(folder, file.path))) === file.sha256);
}

function stamp(path: string): { size: number; mtimeMs: number } {
  const { size, mtimeMs } = statSync(path);
  return { size, mtimeMs };
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== manifestName)
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

async function sha256(path: string): Promise<string> {
  const hash: Hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

export const hashOf = (key: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 16);
