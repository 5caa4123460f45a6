/** Bundles the workflows once for all test files. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { createLogger } from '../src/telemetry.ts';
import { bundleWorkflows } from '../src/worker.ts';

declare module 'vitest' {
  interface ProvidedContext {
    workflowBundle: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bundle-'));
  const { code } = await bundleWorkflows(createLogger('error'));
  const path = join(folder, 'workflow-bundle.js');
  await writeFile(path, code);
  project.provide('workflowBundle', path);
  return () => rm(folder, { recursive: true });
}
