import { run } from '../system/processes.ts';

export const bridgeNameOf = (mark: string): string => `hf-${mark}`;

/** Pods' ends of the wires die with their namespaces; the bridge is ours and stays until it is taken down. */
export async function removeNetwork(bridge: string): Promise<void> {
  await run('ip', ['link', 'delete', bridge]).catch(() => undefined);
}

export async function networkLeftovers(bridge: string): Promise<boolean> {
  return run('ip', ['link', 'show', bridge]).then(
    () => true,
    () => false,
  );
}
