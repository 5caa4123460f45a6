/** The command line, from its words to its exit code. */
import { CommanderError } from 'commander';
import { EXIT } from '../errors.ts';
import { failureOf, type Failure } from './failure.ts';
import { createProgram } from './program.ts';
import { showFailure } from './show/failure.ts';
import { stderr, stdout } from './terminal.ts';
import { wantsJson } from './words.ts';

async function main(words: readonly string[]): Promise<number> {
  let exit: number = EXIT.succeeded;
  const program = createProgram((code) => (exit = code));
  try {
    await program.parseAsync(words, { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.succeeded;
    const failure = await failureOf(error);
    tell(failure, wantsJson(words));
    return failure.exit;
  }
}

function tell(failure: Failure, json: boolean): void {
  const { exit: _, trace, helped, ...error } = failure;
  if (json) stdout.line(JSON.stringify({ error }));
  else if (!helped) stderr.line(showFailure(failure));
  if (trace !== undefined) stderr.line(trace);
}

const words = process.argv.slice(2);

// `holdfast list | head` is no fault: whoever reads has read enough. What ends or follows a task goes on to its own exit code.
const isOnlyRead = ['list', 'logs', 'status'].includes(words[0] ?? '');
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    if (isOnlyRead) process.exit(EXIT.succeeded);
  });

const exit = await main(words);
// Not by itself: what Temporal's client is about to try again would fail, loudly, for want of a connection.
process.stdout.write('', () => process.exit(exit));
