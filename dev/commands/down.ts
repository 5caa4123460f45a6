import { endEnvironment, runningState } from '../environment.ts';
import { clearLeftovers } from '../leftovers.ts';
import type { Options } from '../options.ts';
import { terminalReporter } from '../report.ts';
import { waitForLock } from '../system/lock.ts';
import { pathsFrom } from '../system/paths.ts';

export async function down(options: Options): Promise<number> {
  const paths = pathsFrom(process.env);
  const reporter = terminalReporter();
  const state = runningState(paths);
  if (state) {
    const step = reporter.step('Ending the environment');
    await endEnvironment(state);
    step.done();
  }
  const lock = await waitForLock(paths.lock);
  const found = await clearLeftovers(paths).finally(() => lock.release());
  if (found.length > 0) reporter.say(`Cleared what was left: ${found.join(', ')}.`);
  else if (!state) reporter.say('Nothing is up.');
  if (options.json) console.log(JSON.stringify({ wasUp: state !== undefined, cleared: found }));
  return 0;
}
