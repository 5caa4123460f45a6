import { run } from '../system/processes.ts';

export const bridgeName = 'hf0';

/** Pods' ends of the wires die with their namespaces; the bridge is ours and stays until it is taken down. */
export async function removeNetwork(): Promise<void> {
  await run('ip', ['link', 'delete', bridgeName]).catch(() => undefined);
}

export async function networkLeftovers(): Promise<boolean> {
  return run('ip', ['link', 'show', bridgeName]).then(
    () => true,
    () => false,
  );
}
