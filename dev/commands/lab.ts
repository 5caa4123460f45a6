import { join } from 'node:path';
import { endEnvironment, ensureUp, interruptions } from '../environment.ts';
import type { Options } from '../options.ts';
import { terminalReporter } from '../report.ts';
import { nodeBinary, pathsFrom, repository } from '../system/paths.ts';
import { ensureTestServer } from '../toolchain/maven.ts';
import { runTool } from './verify.ts';

/** Verbs of the laboratory that need no Kubernetes and no Temporal, or bring up their own. */
const onTheirOwn = new Set(['model', 'soak', '--help', undefined]);

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
  const isOnItsOwn = onTheirOwn.has(args[0]) || args.some((arg) => readsOnly.has(arg));
  if (isOnItsOwn) return runTool(command, process.env, interruption());
  const paths = pathsFrom(process.env);
  const environment = await ensureUp(options, paths, terminalReporter());
  const interrupted = interruption();
  try {
    const env = { ...process.env, ...environment.state.env, HOLDFAST_STATE_FILE: paths.stateFile, ...more };
    return await runTool(command, env, interrupted);
  } finally {
    if (environment.isOurs) await endEnvironment(environment.state);
  }
}

/** Aborts when this process is asked to end; from now on that is left to whoever listens. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of interruptions) process.on(signal, () => interrupted.abort());
  return interrupted.signal;
}
