import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../system/processes.ts';

/** What every image has: a shell, users, and a /tmp. */
export async function addBase(root: string, busybox: string): Promise<void> {
  for (const folder of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev', 'home/nonroot'])
    mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  copyFileSync(busybox, join(root, 'bin', 'busybox'));
  chmodSync(join(root, 'bin', 'busybox'), 0o755);
  const { stdout } = await run(busybox, ['--list']);
  for (const applet of stdout.split('\n').filter(Boolean)) addLink(join(root, 'bin', applet), 'busybox');
  writeFileSync(
    join(root, 'etc', 'passwd'),
    users.map(([name, id, home]) => `${name}:x:${id}:${id}::${home}:/bin/sh\n`).join(''),
  );
  writeFileSync(join(root, 'etc', 'group'), users.map(([name, id]) => `${name}:x:${id}:\n`).join(''));
  writeFileSync(join(root, 'etc', 'nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
}

const users = [
  ['root', 0, '/root'],
  ['nonroot', 65532, '/home/nonroot'],
  ['nobody', 65534, '/nonexistent'],
] as const;

function addLink(path: string, target: string): void {
  if (!existsSync(path)) symlinkSync(target, path);
}

/** What of Debian's Python packages is never read while a program runs. */
const unneeded = [
  'usr/share',
  'usr/lib/gconv',
  'usr/lib/x86_64-linux-gnu/gconv',
  'usr/lib/aarch64-linux-gnu/gconv',
  'usr/lib/x86_64-linux-gnu/perl-base',
  'etc/ld.so.conf.d',
  'var',
  'lib/systemd',
];

/** Turns the extracted packages into a root that `python3` starts from quickly, read-only. */
export async function preparePython(root: string, version: string): Promise<void> {
  for (const path of unneeded) rmSync(join(root, path), { recursive: true, force: true });
  for (const path of ['lib2to3', 'idlelib', 'pydoc_data', 'turtledemo', 'distutils', 'ensurepip'])
    rmSync(join(root, 'usr', 'lib', `python${version}`, path), { recursive: true, force: true });
  for (const name of ['python3', 'python']) addLink(join(root, 'usr', 'bin', name), `python${version}`);
  // Since Debian 13 these links come with another package.
  for (const name of ['lib', 'lib64'])
    if (existsSync(join(root, 'usr', name))) addLink(join(root, name), `usr/${name}`);
  // Compiled here because the container cannot write: without it every start would compile the library anew.
  const compile = ['-m', 'compileall', '-q', '--invalidation-mode', 'unchecked-hash', `/usr/lib/python${version}`];
  await run('chroot', [root, `/usr/bin/python${version}`, ...compile]);
}
