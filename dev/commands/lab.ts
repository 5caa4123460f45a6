import { join } from 'node:path';
import { endEnvironment, ensureUp } from '../environment.ts';
import type { Options } from '../options.ts';
import { terminalReporter } from '../report.ts';
import { nodeBinary, pathsFrom, repository } from '../system/paths.ts';
import { ensureTestServer } from '../toolchain/maven.ts';
import { runTool } from './verify.ts';

/** Verbs of the laboratory that need no Kubernetes and no Temporal. */
const onPaper = new Set(['model', '--help', undefined]);

/** The measurements of speed; one of them needs the server that skips time. */
export async function bench(options: Options, args: readonly string[]): Promise<number> {
  if (args.some((arg) => readsOnly.has(arg)))
    return runTool([nodeBinary, join(repository, 'lab', 'main.ts'), 'bench', ...args]);
  const launcher = await ensureTestServer(pathsFrom(process.env), terminalReporter()).catch(() => undefined);
  return lab(options, ['bench', ...args], launcher === undefined ? {} : { HOLDFAST_TEST_SERVER: launcher });
}

/** Options with which nothing is measured. */
const readsOnly = new Set(['--help', '--render', '--check']);

/** The laboratory, on the environment that is up or on one that lives as long as it does. */
export async function lab(options: Options, args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<number> {
  const command = [nodeBinary, join(repository, 'lab', 'main.ts'), ...args];
  if (onPaper.has(args[0])) return runTool(command);
  const paths = pathsFrom(process.env);
  const environment = await ensureUp(options, paths, terminalReporter());
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());
  try {
    const env = { ...process.env, ...environment.state.env, HOLDFAST_STATE_FILE: paths.stateFile, ...more };
    return await runTool(command, env, interrupted.signal);
  } finally {
    if (environment.isOurs) await endEnvironment(environment.state);
  }
}
