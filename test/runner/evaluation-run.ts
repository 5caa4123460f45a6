/** Runs the evaluation's runner as the container does: as PID 1, as nobody, where this machine lets us. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Ending, EvaluationTask, SampleResult } from '../../src/contract.ts';
import { evaluation } from '../../src/workloads/evaluation.ts';
import type { EvaluationOutput } from '../../src/contract.ts';
import type { PodPlan } from '../../src/workloads/workload.ts';

export const NONCE = 'nonce-of-this-test';
const NAMESPACES = ['--pid', '--net', '--fork', '--mount-proc', '--kill-child'];
/** The system's own where there is one: a Python in root's home cannot be run by nobody. */
const PYTHON = spawnSync('/usr/bin/python3', ['--version']).status === 0 ? '/usr/bin/python3' : 'python3';
const OWN_TMP = [
  ...['--mount', 'sh', '-c'],
  'mount -t tmpfs -o mode=1777 t /tmp && mount -t tmpfs -o mode=1777 t /dev/shm && exec "$@"',
  'sh',
];
/** Each run is another nobody, as the kernel counts processes by user. */
let nobody = 61_000 + (process.pid % 1_000) * 4;
const drop = () => ['setpriv', `--reuid=${++nobody}`, `--regid=${nobody}`, '--clear-groups', '--bounding-set=-all'];

/** Whether the runner can be PID 1 of its own namespace here, without privileges. */
export const contained = spawnSync('unshare', [...NAMESPACES, ...drop(), 'true']).status === 0;
export const hasPython = process.platform === 'linux' && spawnSync(PYTHON, ['--version']).status === 0;

export interface Finished {
  readonly exitCode: number | null;
  readonly ending: Ending;
  readonly lines: readonly string[];
  readonly errors: string;
  /** What is left in the directory that was /tmp for the runner. */
  readonly leftovers: readonly string[];
}

export interface Running {
  readonly finished: Promise<Finished>;
  /** Resolves when the runner has said a line that holds this text. */
  readonly said: (text: string) => Promise<void>;
  /** To the runner itself, from outside its namespace. */
  readonly signal: (name: NodeJS.Signals) => void;
}

export const lines = (...rows: readonly object[]) => ({ jsonl: rows.map((row) => JSON.stringify(row)).join('\n') });

/** `ownTmp`: /tmp and /dev/shm are the samples' own, as in the container; only where `contained`. */
export function start(task: EvaluationTask, { ownTmp = false } = {}): Running {
  const plan = evaluation.plan(task, { pythonImage: 'python', nonce: NONCE });
  const folder = mkdtempSync(join('/var/tmp', 'runner-test-'));
  const child = launch(plan, folder, ownTmp);
  const heard: string[] = [];
  const waiting = new Set<() => void>();
  const output = createInterface({ input: child.stdout });
  output.on('line', (line) => {
    heard.push(line);
    for (const look of waiting) look();
  });
  const errors: string[] = [];
  child.stderr.on('data', (part: Buffer) => errors.push(part.toString()));
  const finished = new Promise<number | null>((resolve) => child.once('close', resolve)).then((exitCode) => {
    const leftovers = readdirSync(join(folder, 'tmp'));
    rmSync(folder, { recursive: true, force: true });
    return { exitCode, ending: read(heard), lines: heard, errors: errors.join(''), leftovers };
  });
  const said = (text: string) =>
    new Promise<void>((resolve) => {
      const look = () => heard.some((line) => line.includes(text)) && (waiting.delete(look), resolve());
      waiting.add(look);
      look();
    });
  return { finished, said, signal: (name) => process.kill(innerPid(child), name) };
}

function launch(plan: PodPlan, folder: string, ownTmp: boolean) {
  for (const { path, bytes } of plan.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  mkdirSync(join(folder, 'tmp'));
  chmodSync(folder, 0o755);
  chmodSync(join(folder, 'tmp'), 0o1777);
  const [, ...words] = plan.command ?? [];
  const command = [PYTHON, ...words.map((word) => (word.startsWith('/') ? join(folder, word) : word))];
  const dropped = [...(ownTmp ? OWN_TMP : []), ...drop(), ...command];
  const [program = PYTHON, ...args] = contained ? ['unshare', ...NAMESPACES, ...dropped] : command;
  // This machine's /tmp is not the samples' to lose.
  const tmp = ownTmp ? {} : { HOLDFAST_OWNS_TMP: '', TMPDIR: join(folder, 'tmp') };
  const env = { ...plan.env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...tmp };
  return spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

function innerPid(child: ChildProcess): number {
  if (!contained) return Number(child.pid);
  return Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim());
}

function read(heard: readonly string[]): Ending {
  const reader = evaluation.reader({ pythonImage: 'python', nonce: NONCE });
  for (const line of heard) reader.line?.(line);
  return reader.end();
}

export function reportOf({ ending, errors, exitCode }: Finished): EvaluationOutput {
  if (exitCode === 0 && ending.kind === 'succeeded' && 'results' in ending.output) return ending.output;
  throw new Error(`exit code ${exitCode}: ${errors} ${JSON.stringify(ending)}`);
}

/** Runs bodies of `def f():` under one test, and gives how each ended. */
export async function runBodies(
  bodies: readonly string[],
  settings: Partial<EvaluationTask> = {},
  place: { readonly ownTmp?: boolean } = {},
): Promise<{ readonly results: readonly SampleResult[]; readonly finished: Finished }> {
  const finished = await start(
    {
      workload: 'evaluation',
      problems: lines({
        task_id: 'f',
        prompt: 'def f():\n',
        entry_point: 'f',
        test: "def check(f):\n    assert f() == 'refused'",
      }),
      samples: lines(...bodies.map((body) => ({ task_id: 'f', completion: indented(body) }))),
      sampleTimeout: 2,
      ...settings,
    },
    place,
  ).finished;
  return { results: reportOf(finished).results, finished };
}

function indented(body: string): string {
  return body
    .trim()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
