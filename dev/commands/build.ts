import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repository } from '../system/paths.ts';
import { runChecks } from './verify.ts';
import type { Check } from './verify.ts';

const runner = 'workloads/evaluation-runner';

/** In order: the code, what lies beside it, the workflows' bundle, and whether others can use the package. */
const steps: readonly Check[] = [
  { name: 'compile', command: ['tsc', '-p', 'tsconfig.build.json'] },
  { name: 'copy the evaluation runner', command: ['cp', '-r', `src/${runner}`, `dist/${dirname(runner)}/`] },
  { name: 'bundle the workflows', command: ['node', 'dist/bundle.js'] },
  { name: 'check the package', command: ['publint'] },
  { name: 'check its types', command: ['attw', '--pack', '.', '--profile', 'esm-only'] },
];

export async function build(): Promise<number> {
  rmSync(join(repository, 'dist'), { recursive: true, force: true });
  return runChecks(steps);
}
