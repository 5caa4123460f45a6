import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../src/telemetry.ts';
import { bundleWorkflows } from '../../src/worker.ts';

/** One bundle, as a file, for all the workers of a run. */
export async function withWorkflowBundle<T>(use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bundle-'));
  try {
    const path = join(folder, 'bundle.js');
    await writeFile(path, (await bundleWorkflows(createLogger('error'))).code);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}
