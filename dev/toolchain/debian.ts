import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter } from '../report.ts';
import { findProgram, run } from '../system/processes.ts';
import { ensure } from './cache.ts';

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
    const step = reporter.step(
      'Reading the package lists of Debian',
      'into the cache of this user; nothing is installed',
    );
    for (const folder of ['state/lists/partial', 'cache/archives/partial'])
      mkdirSync(join(own, folder), { recursive: true });
    await run('apt-get', [...options, ...ownOptions, '-q', 'update']);
    useOwn = true;
    step.done();
  }

  /** Missing lists and files that have left the archive are both cured by reading the lists. */
  async function withLists<T>(work: (options: readonly string[]) => Promise<T>): Promise<T> {
    const attempt = () => work(useOwn ? [...options, ...ownOptions] : options);
    return attempt().catch(async () => {
      await update();
      return attempt();
    });
  }

  return {
    async packages(names) {
      const { stdout } = await withLists((given) => run('apt-get', [...given, 'download', '--print-uris', ...names]));
      const pins = stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split(' ').slice(1).join(' '))
        .toSorted();
      return { pins, extract: (folder) => withLists((given) => downloadAndExtract(given, names, folder)) };
    },
    async dependencies(names) {
      const quiet = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
        (kind) => `--no-${kind}`,
      );
      const { stdout } = await withLists(async (given) => {
        const answer = await run('apt-cache', [...given, 'depends', '--recurse', ...quiet, ...names]);
        if (!names.every((name) => answer.stdout.includes(`${name}\n`))) throw new Error('apt has no lists');
        return answer;
      });
      return [...new Set(stdout.split('\n').filter((line) => /^[a-z0-9]/.test(line)))];
    },
  };
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

/** The program that starts containers. Debian's is used because building it takes a C compiler. */
export async function ensureRunc(cache: string, source: Apt, reporter: Reporter): Promise<string> {
  const packages = await source.packages(['runc']);
  const folder = await ensure(cache, {
    name: 'runc',
    key: packages.pins,
    async build(target) {
      const step = reporter.step('Taking runc from its Debian package', 'it starts the containers');
      const aside = join(target, 'extracted');
      mkdirSync(aside);
      await packages.extract(aside);
      copyFileSync(join(aside, 'usr', 'sbin', 'runc'), join(target, 'runc'));
      rmSync(aside, { recursive: true });
      step.done();
    },
  });
  return join(folder, 'runc');
}
