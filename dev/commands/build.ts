import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../system/paths.ts';
import { runChecks } from './verify.ts';
import type { Check } from './verify.ts';

/** In order; the bundle of the workflows will be the second. */
const steps: readonly Check[] = [{ name: 'compile', command: ['tsc', '-p', 'tsconfig.build.json'] }];

export async function build(): Promise<number> {
  rmSync(join(repository, 'dist'), { recursive: true, force: true });
  return runChecks(steps);
}
