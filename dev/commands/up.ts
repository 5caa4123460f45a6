import { ensureUp } from '../environment.ts';
import type { Options } from '../options.ts';
import { terminalReporter } from '../report.ts';
import type { State } from '../state.ts';
import { pathsFrom } from '../system/paths.ts';

export async function up(options: Options): Promise<number> {
  const { state, isOurs } = await ensureUp(options, pathsFrom(process.env), terminalReporter());
  if (options.json) console.log(JSON.stringify({ ...state, startedByThisCall: isOurs }));
  else console.log(`${isOurs ? 'Up.' : 'It was up already.'}\n${addresses(state)}\n\nEnd it with \`npm run down\`.`);
  return 0;
}

/** What a reader needs to look around, one per line. */
export function addresses(state: State): string {
  const { temporal, kubernetes, env, logs } = state;
  const exports = Object.entries(env).map(([name, value]) => `  export ${name}=${value}`);
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['Temporal', temporal?.address],
    ['web UI', temporal?.ui],
    ['Kubernetes', kubernetes?.server ?? kubernetes?.context],
    ['containers', kubernetes?.containers],
    ['worker', state.worker === 'none' ? 'none: start one with `node_modules/.bin/node src/worker.ts`' : state.worker],
    ['kubectl', kubernetes?.kubectl?.join(' ')],
    ['logs', Object.values(logs)[0]?.replace(/[^/]+$/, '')],
  ];
  const lines = rows.flatMap(([name, value]) => (value === undefined ? [] : [`  ${name.padEnd(11)} ${value}`]));
  return [...lines, '', 'To use it from another terminal (the holdfast command finds it by itself):', ...exports].join(
    '\n',
  );
}
