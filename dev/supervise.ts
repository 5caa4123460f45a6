// The process behind `up` and `test`: brings the environment up, answers for it, ends with it.
import { readFileSync } from 'node:fs';
import { Obstacle } from './obstacle.ts';
import type { Plan } from './plan.ts';
import { fileReporter } from './report.ts';
import { bringUp, OtherWasFaster, otherWasFaster } from './supervisor.ts';
import { pathsFrom, progressFile } from './system/paths.ts';

const [planFile = ''] = process.argv.slice(2);
const paths = pathsFrom(process.env);
const reporter = fileReporter(progressFile(paths, process.pid));
const plan: Plan = JSON.parse(readFileSync(planFile, 'utf8'));

const asked = Promise.withResolvers<NodeJS.Signals>();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => asked.resolve(signal));

try {
  const environment = await bringUp(plan, paths, process.env, reporter, asked.promise);
  const broken = await Promise.race([environment.broken, asked.promise.then(() => undefined)]);
  if (broken === undefined) await environment.stop();
  else reporter.say(`${broken}\nThe environment was taken down.`);
  process.exit(broken === undefined ? 0 : 1);
} catch (error) {
  if (error instanceof OtherWasFaster) process.exit(otherWasFaster);
  reporter.say(error instanceof Obstacle ? error.message : String(error instanceof Error ? error.message : error));
  process.exit(1);
}
