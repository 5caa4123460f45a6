#!/usr/bin/env node
// The door of the command line. Runs on whatever Node the machine has, so it is plain JavaScript: it finds a Node that
// can run Holdfast and what to run with it, `dist/` if that was built, else the TypeScript as it is.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED = [22, 19];
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const built = join(root, 'dist', 'cli', 'main.js');
const main = existsSync(built) ? built : join(root, 'src', 'cli', 'main.ts');
const pinned = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

function isNewEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
}

/** The same command on the Node that came with the dependencies; signals reach it, its exit code is ours. */
function runWithPinnedNode() {
  const child = spawn(pinned, ['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  // A terminal sends Ctrl-C to the whole group, so the child has it already; sent twice it would count twice. Whoever
  // signals this process alone means the child too.
  const isOnTerminal = process.stdin.isTTY || process.stderr.isTTY;
  process.on('SIGINT', () => isOnTerminal || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => refuse(`${pinned} could not be started: ${error.message}.`));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + (constants.signals[signal] ?? 1) : (code ?? 1)));
}

function refuse(why) {
  console.error(`holdfast: ${why}`);
  console.error(`next: Install Node ${NEEDED.join('.')} or newer, or run \`npm ci\` in ${root}, which brings one.`);
  process.exit(70);
}

if (!existsSync(main))
  refuse('neither dist/cli/main.js nor src/cli/main.ts is there; this installation is incomplete.');
else if (isNewEnough()) await import(pathToFileURL(main).href);
else if (existsSync(pinned)) runWithPinnedNode();
else refuse(`Node ${process.versions.node} is too old.`);
