import { rmSync } from 'node:fs';
import { cgroupLeftovers, cgroupNameOf, removeCgroups } from './cluster/cgroups.ts';
import { bridgeNameOf, networkLeftovers, removeNetwork } from './cluster/network.ts';
import { forgetState, readState } from './state.ts';
import { isAlive, isGoneWithin, isRoot, onLinux, signal } from './system/processes.ts';
import type { Paths } from './system/paths.ts';

/**
 * Removes what an environment leaves that was killed before it could clean up: its processes (by pid and start time),
 * control groups, network interface and data. Only under the environment's lock. Says what was found.
 */
export async function clearLeftovers(paths: Paths): Promise<readonly string[]> {
  const found: string[] = [];
  const strays = Object.entries(readState(paths)?.processes ?? {}).filter(([, identity]) => isAlive(identity));
  for (const [name, identity] of strays) {
    signal(identity, 'SIGKILL');
    found.push(`process ${name} (${identity.pid})`);
  }
  await Promise.all(strays.map(([, identity]) => isGoneWithin(identity, 5_000)));
  if (onLinux && isRoot) {
    const [cgroup, bridge] = [cgroupNameOf(paths.mark), bridgeNameOf(paths.mark)];
    if (cgroupLeftovers(cgroup)) found.push('control groups');
    await removeCgroups(cgroup);
    if (await networkLeftovers(bridge)) found.push('a network interface');
    await removeNetwork(bridge);
  }
  for (const folder of [paths.node, paths.cluster, paths.temporal])
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  forgetState(paths);
  return found;
}
