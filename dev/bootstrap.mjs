// The door of every npm script. Runs on whatever Node the machine has (18 or newer), so it is plain JavaScript:
// it installs the dependencies when they are missing or stale, then hands over to the pinned Node among them.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const hiddenLockfile = join(modules, '.package-lock.json');
const stamp = join(modules, '.holdfast-lockfile');
const pinnedNode = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

const lockfile = join(root, 'package-lock.json');
const lockfileHash = () => createHash('sha256').update(readFileSync(lockfile)).digest('hex');

/** Whether what npm installed is exactly what the lockfile asks for; optional packages of other systems may be absent. */
function installedMatchesLockfile() {
  if (!existsSync(hiddenLockfile)) return false;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lockfileHash()) return true;
  const wanted = JSON.parse(readFileSync(lockfile, 'utf8')).packages;
  const installed = JSON.parse(readFileSync(hiddenLockfile, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || entry.peer || installed[path]?.version === entry.version,
  );
}

function pinnedNodeMajor() {
  if (!existsSync(pinnedNode)) return 0;
  const answer = spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' });
  return Number(/^v(\d+)\./.exec(answer.stdout ?? '')?.[1] ?? 0);
}

const isReady = () => installedMatchesLockfile() && pinnedNodeMajor() >= 24;

/** mkdir is atomic, so it serves as the lock; an installation that died more than two minutes ago is no holder. */
async function holdingInstallLock(work) {
  const lock = join(root, 'node_modules.installing');
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!holderLives(lock)) rmSync(lock, { recursive: true, force: true });
      else await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
  try {
    writeFileSync(join(lock, 'pid'), String(process.pid));
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function holderLives(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0);
    return true;
  } catch (error) {
    if (error.code === 'EPERM') return true;
    if (error.code === 'ESRCH') return false;
    try {
      return Date.now() - statSync(lock).mtimeMs < 5_000;
    } catch {
      return false;
    }
  }
}

/** Gives npm's exit code. What it said is shown when it failed, unless it was the expected thing. */
function npm(args, expected) {
  const started = Date.now();
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  const tty = process.stderr.isTTY;
  const title = 'Installing the dependencies that package-lock.json names';
  if (!tty) process.stderr.write(`${title} ...\n`);
  const ticker = setInterval(
    () => process.stderr.write(tty ? `\r\x1b[2K${title} ... ${seconds()}` : `${title} ... ${seconds()}\n`),
    tty ? 200 : 5_000,
  );
  return new Promise((resolve) => {
    const child = spawn('npm', args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.on('error', (error) => finish(1, `npm could not be started: ${error.message}\n`));
    child.on('close', (code) => finish(code ?? 1, Buffer.concat(output).toString()));
    function finish(code, text) {
      clearInterval(ticker);
      if (tty) process.stderr.write('\r\x1b[2K');
      if (code === 0) process.stderr.write(`Installed the dependencies in ${seconds()}\n`);
      else if (!expected?.test(text)) process.stderr.write(`npm failed after ${seconds()}:\n${text}`);
      resolve(code);
    }
  });
}

async function install() {
  await holdingInstallLock(async () => {
    if (isReady()) return;
    // npm takes its settings from the script that runs us; a nested install must not inherit `--ignore-scripts` or `--omit`.
    const settings = ['--no-audit', '--no-fund', '--include=dev', '--ignore-scripts=false', '--loglevel=error'];
    const clean = await npm(['ci', ...settings], /EUSAGE/);
    // A mirror that lacks packages of other systems makes a lockfile without them, which `npm ci` calls out of step.
    // `npm install` does not mind and installs the same versions; isReady() compares each with the lockfile.
    const code = clean === 0 ? 0 : await npm(['install', '--no-save', ...settings]);
    if (code !== 0) process.exit(code);
    // Newer versions of npm skip install scripts that are not allowed; the pinned Node arrives by one.
    if (pinnedNodeMajor() < 24) await npm(['rebuild', 'node', '--ignore-scripts=false']);
  });
  if (isReady()) return;
  console.error(
    installedMatchesLockfile()
      ? 'The dependencies were installed, but the pinned Node 24 among them is missing (node_modules/node/bin/node). ' +
          'Its package brings it by an install script: allow it with `npm rebuild node`.'
      : 'npm installed other versions than package-lock.json names; remove node_modules and run `npm ci` to see why.',
  );
  process.exit(1);
}

function handOver() {
  const node = pinnedNodeMajor() >= 24 ? pinnedNode : process.execPath;
  const args = ['--disable-warning=ExperimentalWarning', join(root, 'dev', 'main.ts'), ...process.argv.slice(2)];
  const [program, ...rest] = [...endingWithUs(), node, ...args];
  const child = spawn(program, rest, { stdio: 'inherit', env: childEnvironment() });
  // A terminal sends Ctrl-C to the whole group, so the child has it already; here it only must not end us first.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  whenNpmIsGone(() => child.kill('SIGTERM'));
  child.on('error', (error) => {
    console.error(`Node could not be started: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(signal ? 128 + (constants.signals[signal] ?? 1) : (code ?? 1)));
}

/** npm does not hand a SIGTERM on to us: it and its shell end, and we are left with another parent. */
function whenNpmIsGone(act) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const before = ancestors();
  const timer = setInterval(() => {
    if (ancestors() === before) return;
    clearInterval(timer);
    act();
  }, 250);
}

/** The shell that runs the script and, where the system tells, npm above it. */
function ancestors() {
  try {
    const shell = readFileSync(`/proc/${process.ppid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    return `${process.ppid} ${shell[1]}`;
  } catch {
    return `${process.ppid}`;
  }
}

/** Should this process be killed, the child is asked to end, and cleans up. */
function endingWithUs() {
  const command = ['setpriv', '--pdeathsig', 'TERM'];
  return process.platform === 'linux' && spawnSync('setpriv', [...command.slice(1), 'true']).status === 0
    ? command
    : [];
}

function childEnvironment() {
  const PATH = `${join(modules, '.bin')}${delimiter}${process.env.PATH ?? ''}`;
  return { ...process.env, PATH, HOLDFAST_INSTALL_MS: installMs };
}

const startedAt = String(Date.now());
if (!isReady()) await install();
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lockfileHash()) writeFileSync(stamp, lockfileHash());
const installMs = String(Date.now() - Number(startedAt));
handOver();
