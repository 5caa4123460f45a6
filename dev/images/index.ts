import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pauseImage } from '../cluster/node-config.ts';
import type { Reporter } from '../report.ts';
import { ensure } from '../toolchain/cache.ts';
import type { Apt, Packages } from '../toolchain/debian.ts';
import { writeImageArchive } from './archive.ts';
import { addBase, preparePython } from './roots.ts';

export interface ImageNames {
  readonly python: string;
  readonly busybox: string;
}

/** On a cluster of the user's own the node pulls, so ordinary public images do. */
export const publicImages: ImageNames = { python: 'python:3.12-slim', busybox: 'busybox:1.36' };

export interface LocalImages {
  readonly names: ImageNames;
  readonly archive: string;
}

/** Of all that the packages depend on, what a program can notice; not terminal input, Kerberos or dpkg. */
const pythonNeeds = /^(python3|libpython3|zlib1g|lib(c6|gcc-s1|crypt1|expat1|bz2|ffi|lzma|sqlite3|ssl|uuid1|zstd1))/;

/** Raised when what is made from the same packages changes. */
const recipe = 'recipe 1';

/** Small images without a registry, Docker or root file system of a distribution: from Debian packages. */
export async function ensureImages(cache: string, source: Apt, reporter: Reporter): Promise<LocalImages> {
  const version = await pythonVersion(source);
  const closure = await source.dependencies([`python${version}-minimal`, `libpython${version}-stdlib`]);
  const wanted = closure.filter((name) => pythonNeeds.test(name));
  const [python, busybox] = await Promise.all([source.packages(wanted), source.packages(['busybox-static'])]);
  const names = {
    python: `holdfast.local/python:${version}`,
    busybox: `holdfast.local/busybox:${busyboxVersion(busybox)}`,
  };
  const folder = await ensure(cache, {
    name: 'images',
    key: [recipe, ...python.pins, ...busybox.pins],
    build: (target) => buildImages(target, { python, busybox, names, version }, reporter),
  });
  return { names, archive: join(folder, 'images.tar') };
}

interface Ingredients {
  readonly python: Packages;
  readonly busybox: Packages;
  readonly names: ImageNames;
  readonly version: string;
}

async function buildImages(
  folder: string,
  { python, busybox, names, version }: Ingredients,
  reporter: Reporter,
): Promise<void> {
  const step = reporter.step(
    'Making the container images',
    'Python and busybox from Debian packages, no registry needed, once',
  );
  const roots = {
    busybox: join(folder, 'busybox'),
    python: join(folder, 'python'),
    packages: join(folder, 'packages'),
  };
  for (const root of Object.values(roots)) mkdirSync(root);
  await busybox.extract(roots.packages);
  const program = join(roots.packages, 'bin', 'busybox');
  await addBase(roots.busybox, program);
  await python.extract(roots.python);
  await addBase(roots.python, program);
  await preparePython(roots.python, version);
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  await writeImageArchive(join(folder, 'images.tar'), [
    { name: pauseImage, root: roots.busybox, config: { Entrypoint: ['/bin/sleep', 'infinity'], Env: [path] } },
    { name: names.busybox, root: roots.busybox, config: { Cmd: ['sh'], Env: [path] } },
    {
      name: names.python,
      root: roots.python,
      config: { Cmd: ['python3'], Env: [path, 'LANG=C.UTF-8', 'PYTHONDONTWRITEBYTECODE=1'] },
    },
  ]);
  for (const root of Object.values(roots)) rmSync(root, { recursive: true, force: true });
  step.done();
}

async function pythonVersion(source: Apt): Promise<string> {
  const dependencies = await source.dependencies(['python3-minimal']);
  const found = dependencies.map((name) => /^python(3\.\d+)-minimal$/.exec(name)?.[1]).find(Boolean);
  if (found === undefined) throw new Error('Debian has no python3.N-minimal package in its lists');
  return found;
}

const busyboxVersion = (packages: Packages): string =>
  /busybox-static_(?:\d+%3a)?(\d+\.\d+)/.exec(packages.pins.join(' '))?.[1] ?? 'local';
