/**
 * A suite of problems and samples in HumanEval's format, run by evaluation-runner/ in the container, each sample in
 * a process of its own.
 *
 * Problems without samples: HumanEval's own harness refuses such a run. Here it is allowed, so that a part of a suite
 * can be run, and said: `unattempted` names them, and pass@k is the mean over the problems that have samples.
 *
 * What is trusted: a sample shares its process with the tests that judge it, as in HumanEval's own harness, so one
 * that sets out to fool its own tests can. It cannot speak for other samples or write the runner's lines: those carry
 * a nonce that no sample can read. Samples that run at the same time share a user: one that was killed by another runs
 * again, alone; but a hostile one can fill /tmp under its neighbours, and one that takes the container's memory fails
 * the whole evaluation. `parallel: 1` leaves it no neighbour.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { EvaluationTask, JsonLines } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import { parseQuantity } from '../kubernetes/quantity.ts';
import { DEFAULTS, settle } from '../settings.ts';
import { evaluationReader } from './evaluation-reader.ts';
import { numberedLines, unpackJsonLines } from './json-lines.ts';
import type { PlannedFile, Workload } from './workload.ts';

const INPUTS = '/holdfast/inputs';
/** A directory that Python runs by its __main__.py. */
const RUNNER = new URL('./evaluation-runner/', import.meta.url);
const RUNNER_FILES = ['__main__', 'boot', 'files', 'limits', 'processes', 'runner', 'sample'] as const;
const MAX_PARALLEL = 64;

export const evaluation: Workload<EvaluationTask> = {
  name: 'evaluation',
  summary(task) {
    const [problems, samples] = [rowsOf(task.problems).length, rowsOf(task.samples).length];
    const limit = task.sampleTimeout ?? DEFAULTS.sampleTimeout;
    return `${counted(samples, 'sample')} for ${counted(problems, 'problem')}, ${limit} s each, ${parallelOf(task)} at once`;
  },
  plan(task, context) {
    const { memory, tmp } = settle(task).resources;
    return {
      image: task.image ?? context.pythonImage,
      // Isolated: neither the environment nor a user's directory has a say in what the runner imports.
      command: ['python3', '-I', '-B', '-u', `${INPUTS}/runner`],
      env: {
        HOLDFAST_NONCE: context.nonce,
        HOLDFAST_SAMPLE_TIMEOUT: String(task.sampleTimeout ?? DEFAULTS.sampleTimeout),
        HOLDFAST_PARALLEL: String(parallelOf(task)),
        HOLDFAST_MEMORY_BYTES: String(parseQuantity(memory)),
        HOLDFAST_TMP_BYTES: String(parseQuantity(tmp)),
        HOLDFAST_OWNS_TMP: '1',
      },
      files: [
        ...RUNNER_FILES.map((name) => ({
          path: `${INPUTS}/runner/${name}.py`,
          bytes: readFileSync(new URL(`${name}.py`, RUNNER)),
        })),
        packed('problems', task.problems, ['task_id', 'prompt', 'entry_point', 'test']),
        packed('samples', task.samples, ['task_id', 'completion']),
      ],
    };
  },
  reader: ({ nonce }) => evaluationReader(nonce),
};

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function parallelOf(task: EvaluationTask): number {
  const cores = parseQuantity(settle(task).resources.cpu) ?? 1;
  return task.parallel ?? Math.min(MAX_PARALLEL, Math.max(1, Math.floor(cores)));
}

/** Only the fields that are needed: a suite's canonical_solution must not lie where samples can read it. */
function packed(name: string, lines: JsonLines, fields: readonly string[]): PlannedFile {
  const text = rowsOf(lines)
    .map((row) => JSON.stringify(row, [...fields]))
    .join('\n');
  return { path: `${INPUTS}/${name}.jsonl.gz`, bytes: gzipSync(`${text}\n`, { level: 9 }) };
}

function rowsOf(lines: JsonLines): unknown[] {
  const unpacked = unpackJsonLines(lines);
  if (unpacked.kind === 'text') return numberedLines(unpacked.text).map(({ text }): unknown => JSON.parse(text));
  throw new HoldfastError('INPUT_INVALID', 'The lines of problems or samples cannot be unpacked.');
}
