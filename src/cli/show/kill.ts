/** What a kill is answered with, and the tasks that a kill of many would end. */
import type { KillCandidate, KilledPod, KillReport } from '../../kill/contract.ts';
import { EXIT } from '../../errors.ts';
import { plain } from '../terminal.ts';
import { span, table } from './text.ts';

export function showKill({ taskId, answer, was, pods, left }: KillReport): string {
  const lines = [...pods.map(podLine), ...left.map(({ kind, name, why }) => `  ${kind} ${name}: ${why}.`)];
  return [sentence(taskId, answer, was), ...lines, ...(answer === 'killed_unproved' ? [NEXT] : [])]
    .map(plainLine)
    .join('\n');
}

const NEXT =
  'next: see that the nodes named come back or are switched off; what is not in Kubernetes any more, a kubelet that comes back ends.';

function sentence(taskId: string, answer: KillReport['answer'], was: KillReport['was']): string {
  switch (answer) {
    case 'killed':
      return was === 'forgotten'
        ? `${taskId} is killed. Temporal has no record of it; none of its containers runs, and none will.`
        : `${taskId} is killed; none of its containers runs, and none will.`;
    case 'killed_unproved':
      return `${taskId} is killed, but that nothing of it runs is not proved:`;
    case 'already_completed':
      return `Too late: ${taskId} had succeeded already. \`holdfast status ${taskId}\` shows its result.`;
    case 'already_failed':
      return `Too late: ${taskId} had failed already. \`holdfast status ${taskId}\` says why.`;
    case 'already_timed_out':
      return `Too late: ${taskId} had run into a timeout of Temporal's; Kubernetes has nothing of it that could run.`;
    case 'already_cancelled':
      return `${taskId} was cancelled before; none of its containers runs, and none will.`;
    case 'already_terminated':
      return `${taskId} was terminated before; Kubernetes has nothing of it that could run.`;
  }
}

function podLine({ name, node, end, why }: KilledPod): string {
  const where = node === undefined ? '' : ` on ${node}`;
  switch (end) {
    case 'never_ran':
      return `  Pod ${name}${where}: no container of it ever ran`;
    case 'terminated':
      return `  Pod ${name}${where}: its containers ended`;
    case 'may_run':
      return `  Pod ${name}${where}: it may still run; ${why ?? 'its node did not say that it ended'}.`;
  }
}

/** Keeps the indentation, which `plain` takes away. */
function plainLine(line: string): string {
  return `${line.startsWith('  ') ? '  ' : ''}${plain(line)}`;
}

/** 0 if nothing of the task runs, as asked; tooLate if it had ended otherwise. */
export function exitOfKill(answer: KillReport['answer']): number {
  switch (answer) {
    case 'killed':
    case 'already_cancelled':
    case 'already_terminated':
      return EXIT.succeeded;
    case 'killed_unproved':
      return EXIT.unproved;
    case 'already_completed':
    case 'already_failed':
    case 'already_timed_out':
      return EXIT.tooLate;
  }
}

export function showCandidates(candidates: readonly KillCandidate[], now: number): readonly string[] {
  const lines = candidates.map(({ taskId, workload, was, since, pods }) => [
    plain(taskId),
    plain(workload),
    was,
    `${span(now - Date.parse(since))} ago`.replace(/\.\d/, ''),
    pods.map(({ name, phase, node }) => `${name} ${phase}${node === undefined ? '' : ` on ${node}`}`).join(', '),
  ]);
  return table([['TASK', 'WORKLOAD', 'IN TEMPORAL', 'SINCE', 'PODS'], ...lines]);
}
