import { spawn } from 'node:child_process';
import type { Options } from '../options.ts';
import { seconds } from '../report.ts';
import { repository } from '../system/paths.ts';

export interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

const checks: readonly Check[] = [
  { name: 'format', command: ['oxfmt', '--check'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'types', command: ['tsc', '--noEmit'] },
];

const unitTests: Check = { name: 'unit tests', command: ['vitest', 'run', '--project', 'unit'] };

/** Everything that can be known in seconds; stops at the first thing that is wrong. */
export const verify = ({ tests }: Options): Promise<number> => runChecks(tests ? [...checks, unitTests] : checks);

export async function runChecks(list: readonly Check[]): Promise<number> {
  const started = Date.now();
  for (const check of list) {
    const checkStarted = Date.now();
    const code = await runTool(check.command);
    console.log(`${code === 0 ? '✓' : '✗'} ${check.name} (${seconds(checkStarted)})`);
    if (code !== 0) return code;
  }
  console.log(`All is well (${seconds(started)}).`);
  return 0;
}

/** Runs a program of node_modules/.bin, which bootstrap has put first on the PATH. */
export function runTool(
  command: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  signal?: AbortSignal,
): Promise<number> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: repository, stdio: 'inherit', env });
    signal?.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
