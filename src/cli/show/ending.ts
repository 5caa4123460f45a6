/** How a task ended, in plain words. */
import type { TaskOutcome } from '../../client.ts';
import type { EvaluationOutput, Problem, SampleResult, TaskResult } from '../../contract.ts';
import { isErrorCode } from '../../errors.ts';
import { fitted, plain } from '../terminal.ts';
import { counted, type Paint, span, table } from './text.ts';

/** Kinds of failure that are listed; the rest is counted. */
const GROUPS = 8;
const REASON_WIDTH = 72;

export function showEnding(taskId: string, outcome: TaskOutcome, paint: Paint): string {
  switch (outcome.outcome) {
    case 'succeeded':
      return showSuccess(taskId, outcome.result, paint);
    case 'failed':
      return [paint('red', `✗ ${taskId} failed`), ...showReason(outcome.problem, taskId)].join('\n');
    case 'cancelled': {
      const reason = outcome.reason === '' ? '' : `: ${plain(outcome.reason)}`;
      const when = outcome.started
        ? 'It had been started; none of its containers runs, and none will.'
        : 'It had not been started: no container of it ever ran, and none will.';
      return `${paint('yellow', `■ ${taskId} was cancelled${reason}`)}\n  ${when}`;
    }
    case 'terminated':
      return `${paint('red', `✗ ${taskId} was terminated in Temporal`)}\n  Terminate skips the task's own clean-up; the sweeper removes what is left.`;
    case 'timed_out':
      return `${paint('red', `✗ ${taskId} ran into a timeout of Temporal's`)}\n  It skips the task's own clean-up; the sweeper removes what is left.`;
  }
}

/** Code, sentence, next step. */
export function showReason({ code, message, next }: Problem, taskId: string): string[] {
  const advice = next?.replaceAll('`holdfast logs ID`', `\`holdfast logs ${taskId}\``);
  return [
    `  ${plain(message)}${isErrorCode(code) ? ` (${code})` : ''}`,
    ...(advice ? [`  next: ${plain(advice)}`] : []),
  ];
}

function showSuccess(taskId: string, result: TaskResult, paint: Paint): string {
  const took = tookOf(result);
  const headline = paint('green', `✓ ${taskId} succeeded${took === undefined ? '' : ` in ${took}`}`);
  if ('exitCode' in result.output) return `${headline}\n  Its output: holdfast logs ${taskId}`;
  return [headline, ...showEvaluation(result.output, taskId, paint)].join('\n');
}

function tookOf({ startedAt, finishedAt }: TaskResult): string | undefined {
  if (startedAt === undefined || finishedAt === undefined) return undefined;
  const milliseconds = Date.parse(finishedAt) - Date.parse(startedAt);
  // The container's own times are whole seconds.
  return milliseconds < 1_000 ? 'less than a second' : span(milliseconds).replace('.0 s', ' s');
}

function showEvaluation(output: EvaluationOutput, taskId: string, paint: Paint): string[] {
  const { samples, problems, passed, failed, timedOut, passAtK } = output;
  const counts = [`${passed} passed`, `${failed} failed`, `${timedOut} timed out`].join(', ');
  const ks = Object.entries(passAtK).map(([k, value]) => `pass@${k} ${paint('bold', ratio(value))}`);
  const groups = groupsOf(output.results);
  return [
    `  ${counted(samples, 'sample')} of ${counted(problems, 'problem')}: ${counts}`,
    ...(ks.length > 0 ? [`  ${ks.join('   ')}`] : []),
    ...(groups.length > 0 ? ['', '  What did not pass:', ...showGroups(groups)] : []),
    ...(output.resultsLeftOut > 0
      ? [`  (${counted(output.resultsLeftOut, 'sample')} more, in results.jsonl of the log store)`]
      : []),
    '',
    `  Each sample: holdfast status ${taskId} --json     output: holdfast logs ${taskId}`,
  ];
}

/** Never rounded up to a perfect score, nor down to none. */
export function ratio(value: number): string {
  if (value === 0 || value === 1) return value.toFixed(1);
  return Math.min(0.9999, Math.max(0.0001, value)).toFixed(4);
}

interface Group {
  readonly reason: string;
  readonly results: readonly SampleResult[];
}

/** Failures that say the same, most frequent first. */
export function groupsOf(results: readonly SampleResult[]): Group[] {
  const groups = new Map<string, SampleResult[]>();
  for (const result of results.filter(({ verdict }) => verdict !== 'passed')) {
    const reason = plain(result.reason ?? result.verdict.replace('_', ' '));
    groups.set(reason, [...(groups.get(reason) ?? []), result]);
  }
  return [...groups]
    .map(([reason, members]) => ({ reason, results: members }))
    .toSorted((a, b) => b.results.length - a.results.length);
}

function showGroups(groups: readonly Group[]): string[] {
  const shown = groups.slice(0, GROUPS);
  const lines = table(
    shown.map(({ reason, results }) => [
      `    ${String(results.length).padStart(3)} ×`,
      fitted(reason, REASON_WIDTH),
      where(results),
    ]),
  );
  const rest = groups.slice(GROUPS).reduce((sum, { results }) => sum + results.length, 0);
  return rest > 0 ? [...lines, `    ${String(rest).padStart(3)} ×  for other reasons`] : lines;
}

function where(results: readonly SampleResult[]): string {
  const names = [...new Set(results.map(({ task_id }) => plain(task_id)))];
  return names.length > 2 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(', ');
}
