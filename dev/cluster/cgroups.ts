import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Everything that runs in a pod runs below a control group of this name, and nothing else does. */
export const cgroupNameOf = (mark: string): string => `holdfast-${mark}`;

const mountPoint = '/sys/fs/cgroup';

/** Version 2 has one tree at the mount point; version 1 has one per controller below it. */
function trees(): readonly string[] {
  if (existsSync(join(mountPoint, 'cgroup.controllers'))) return [mountPoint];
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return mounts
    .map((line) => line.split(' '))
    .flatMap(([, path, type]) => (/^cgroup2?$/.test(type ?? '') && path !== undefined ? [path] : []));
}

/** The kubelet refuses a root that is not there. */
export function createCgroups(name: string): void {
  for (const tree of trees()) {
    mkdirSync(join(tree, name), { recursive: true });
    if (tree === mountPoint) delegateControllers(tree);
  }
}

function delegateControllers(tree: string): void {
  const controllers = readFileSync(join(tree, 'cgroup.controllers'), 'utf8').trim().split(' ');
  for (const controller of controllers) {
    try {
      writeFileSync(join(tree, 'cgroup.subtree_control'), `+${controller}`);
    } catch {
      // Not ours to give: the kubelet says which one it misses, if it needs it.
    }
  }
}

/** Kills what still runs in them, then removes them from the leaves up. */
export async function removeCgroups(name: string): Promise<void> {
  const roots = trees()
    .map((tree) => join(tree, name))
    .filter((path) => existsSync(path));
  for (let attempt = 0; attempt < 100 && roots.some((path) => existsSync(path)); attempt++) {
    for (const path of roots) removeTree(path);
    if (roots.some((path) => existsSync(path))) await delay(50);
  }
}

export const cgroupLeftovers = (name: string): boolean => trees().some((tree) => existsSync(join(tree, name)));

function removeTree(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(path, entry.name));
  try {
    for (const pid of readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) kill(Number(pid));
    rmdirSync(path);
  } catch {
    // Still busy: a killed process leaves its group a moment later. The caller comes again.
  }
}

function kill(pid: number): void {
  try {
    if (pid > 1) process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
