import { Interrupted, Obstacle } from './obstacle.ts';
import { parseCommandLine, UsageError } from './options.ts';
import type { CommandLine } from './options.ts';

/** Runs one verb and gives its exit code. Commands are loaded when asked for, so that `down` need not load a compiler. */
async function main(commandLine: CommandLine): Promise<number> {
  switch (commandLine.verb) {
    case 'up':
      return (await import('./commands/up.ts')).up(commandLine.options);
    case 'down':
      return (await import('./commands/down.ts')).down(commandLine.options);
    case 'start':
      return (await import('./commands/start.ts')).start(commandLine.options);
    case 'test':
      return (await import('./commands/test.ts')).test(commandLine.options, commandLine.rest);
    case 'lab':
      return (await import('./commands/lab.ts')).lab(commandLine.options, commandLine.rest);
    case 'bench':
      return (await import('./commands/lab.ts')).bench(commandLine.options, commandLine.rest);
    case 'verify':
      return (await import('./commands/verify.ts')).verify(commandLine.options);
    case 'build':
      return (await import('./commands/build.ts')).build();
  }
}

const usageExitCode = 2;
const interruptedExitCode = 130;

try {
  process.exitCode = await main(parseCommandLine(process.argv.slice(2), process.env));
} catch (error) {
  if (error instanceof UsageError) {
    console.error(
      `${error.message}\nUsage: start [--once] [--json] | up [--json] [--no-worker] | down | test [vitest options] | lab [verb and its options] | bench [names and options] | verify [--no-tests] | build`,
    );
    process.exitCode = usageExitCode;
  } else if (error instanceof Interrupted) {
    console.error(error.message);
    process.exitCode = interruptedExitCode;
  } else {
    console.error(error instanceof Obstacle ? error.message : error);
    process.exitCode = 1;
  }
}
process.exit();
