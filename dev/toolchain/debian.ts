import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter } from '../report.ts';
import { findProgram, run } from '../system/processes.ts';
import { writeWhole } from '../system/files.ts';
import { waitForLock } from '../system/lock.ts';
import { ensure, hashOf } from './cache.ts';

export const hasDebianTools = (): boolean =>
  ['apt-get', 'apt-cache', 'dpkg'].every((program) => findProgram(program) !== undefined);

/** Package files of one Debian release, taken without installing any. */
export interface Packages {
  /** One line per package, with version and checksum: what a cache key is made of. */
  readonly pins: readonly string[];
  extract(folder: string): Promise<void>;
}

/** Apt as this machine has it or, where its lists are missing or old, with lists of our own in the cache. */
export interface Apt {
  packages(names: readonly string[]): Promise<Packages>;
  dependencies(names: readonly string[]): Promise<readonly string[]>;
}

export function apt(cache: string, reporter: Reporter): Apt {
  const own = join(cache, 'apt');
  const ownOptions = [
    '-o',
    `Dir::State=${join(own, 'state')}`,
    '-o',
    `Dir::Cache=${join(own, 'cache')}`,
    '-o',
    'Dir::State::status=/var/lib/dpkg/status',
  ];
  const options = ['-o', 'APT::Sandbox::User=root'];
  let useOwn = existsSync(join(own, 'state', 'lists'));

  async function update(): Promise<void> {
    const lock = await waitForLock(join(cache, 'locks', 'apt.lock'));
    const step = reporter.step(
      'Reading the package lists of Debian',
      'into the cache of this user; nothing is installed',
    );
    try {
      for (const folder of ['state/lists/partial', 'cache/archives/partial'])
        mkdirSync(join(own, folder), { recursive: true });
      await run('apt-get', [...options, ...ownOptions, '-q', 'update']);
      useOwn = true;
      step.done();
    } finally {
      lock.release();
    }
  }

  /** Missing lists and files that have left the archive are both cured by reading the lists. */
  async function withLists<T>(work: (options: readonly string[]) => Promise<T>): Promise<T> {
    const attempt = () => work(useOwn ? [...options, ...ownOptions] : options);
    return attempt().catch(async () => {
      await update();
      return attempt();
    });
  }

  /** Asking apt takes a second each time; as long as its lists are the same, so is the answer. */
  async function remembered(question: readonly string[], ask: () => Promise<Answer>): Promise<Answer> {
    const lists = ['/var/lib/apt/lists', join(own, 'state', 'lists')];
    const file = () => join(own, 'answers', hashOf([...question, ...lists.map(modifiedAt)]));
    if (existsSync(file())) return JSON.parse(readFileSync(file(), 'utf8'));
    const answer = await ask();
    writeWhole(file(), answer);
    return answer;
  }

  return {
    async packages(names) {
      const pins = await remembered(['packages', ...names], () => withLists((given) => pinsOf(given, names)));
      return { pins, extract: (folder) => withLists((given) => downloadAndExtract(given, names, folder)) };
    },
    dependencies: (names) =>
      remembered(['dependencies', ...names], () => withLists((given) => dependenciesOf(given, names))),
  };
}

type Answer = readonly string[];

const modifiedAt = (path: string): string => String(statSync(path, { throwIfNoEntry: false })?.mtimeMs);

async function pinsOf(options: readonly string[], names: readonly string[]): Promise<Answer> {
  const { stdout } = await run('apt-get', [...options, 'download', '--print-uris', ...names]);
  const lines = stdout.split('\n').filter(Boolean);
  return lines.map((line) => line.split(' ').slice(1).join(' ')).toSorted();
}

async function dependenciesOf(options: readonly string[], names: readonly string[]): Promise<Answer> {
  const others = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'];
  const without = others.map((kind) => `--no-${kind}`);
  const { stdout } = await run('apt-cache', [...options, 'depends', '--recurse', ...without, ...names]);
  // It does not fail when it has no lists, it only knows of no such package.
  if (!names.every((name) => stdout.includes(`${name}\n`))) throw new Error('apt has no lists');
  return [...new Set(stdout.split('\n').filter((line) => /^[a-z0-9]/.test(line)))];
}

async function downloadAndExtract(options: readonly string[], names: readonly string[], folder: string): Promise<void> {
  const files = join(folder, '.packages');
  mkdirSync(files, { recursive: true });
  try {
    await run('apt-get', [...options, '-q', 'download', ...names], { cwd: files });
    for (const file of readdirSync(files)) await run('dpkg', ['-x', join(files, file), folder]);
  } finally {
    rmSync(files, { recursive: true, force: true });
  }
}

interface Wanted {
  readonly name: string;
  readonly package: string;
  /** Where it is in the package. */
  readonly path: string;
  readonly why: string;
}

/** One program out of a package. */
export async function ensureDebianProgram(
  cache: string,
  source: Apt,
  reporter: Reporter,
  wanted: Wanted,
): Promise<string> {
  const packages = await source.packages([wanted.package]);
  const folder = await ensure(cache, {
    name: wanted.name,
    key: packages.pins,
    async build(target) {
      const step = reporter.step(`Taking ${wanted.name} from its Debian package`, wanted.why);
      const aside = join(target, 'extracted');
      mkdirSync(aside);
      await packages.extract(aside);
      copyFileSync(join(aside, wanted.path), join(target, wanted.name));
      rmSync(aside, { recursive: true });
      step.done();
    },
  });
  return join(folder, wanted.name);
}

/** The program that starts containers. Debian's is used because building it takes a C compiler. */
export function ensureRunc(cache: string, source: Apt, reporter: Reporter): Promise<string> {
  const wanted = { name: 'runc', package: 'runc', path: 'usr/sbin/runc', why: 'it starts the containers' };
  return ensureDebianProgram(cache, source, reporter, wanted);
}
