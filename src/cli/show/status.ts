/** A task in a few rows, and many tasks in one table. */
import type { TaskView } from '../../task-view.ts';
import { fitted, plain } from '../terminal.ts';
import { phaseOf, progressText } from './progress.ts';
import { bar, moment, rows, span, table } from './text.ts';

const NOTE_WIDTH = 60;

export function showStatus(view: TaskView, now: number): string {
  const { taskId, workload, job, pod, progress, problem, cancel, retried } = view;
  return rows([
    ['Task', taskId],
    ['Workload', workload],
    ['State', phaseOf(view)],
    ['Since', sinceOf(view, now)],
    ['Job', job && `${job.namespace}/${job.name}`],
    [
      'Pod',
      view.open && pod ? `${pod.name} ${pod.phase}${pod.node === undefined ? '' : ` on ${pod.node}`}` : undefined,
    ],
    ['Progress', view.open && progress ? `${bar(progress.done, progress.total)} ${progressText(view)}` : undefined],
    ['Ran anew', retried && `${timesText(retried.times)}: ${plain(retried.because.message)}`],
    ['Cancel', cancel && `asked ${moment(cancel.at)}${cancel.reason === '' ? '' : `: ${plain(cancel.reason)}`}`],
    ['Waits', view.open && problem ? plain(problem.message) : undefined],
    ['next', view.open && problem?.next !== undefined ? plain(problem.next) : undefined],
  ]);
}

function timesText(times: number): string {
  return times === 1 ? 'once' : `${times} times`;
}

function sinceOf({ startedAt, closedAt }: TaskView, now: number): string {
  const began = Date.parse(startedAt);
  if (closedAt === undefined) return `${moment(startedAt)}, ${span(now - began)} ago`;
  return `${moment(startedAt)} to ${moment(closedAt)}, ${span(Date.parse(closedAt) - began)}`;
}

/** Newest first, as they come. */
export function showList(views: readonly TaskView[], now: number): string[] {
  const lines = views.map((view) => [
    view.taskId,
    view.workload,
    phaseOf(view),
    `${span(now - Date.parse(view.startedAt))} ago`.replace(/\.\d/, ''),
    view.closedAt === undefined ? '' : span(Date.parse(view.closedAt) - Date.parse(view.startedAt)),
    noteOf(view),
  ]);
  return table([['TASK', 'WORKLOAD', 'STATE', 'STARTED', 'TOOK', 'NOTE'], ...lines]);
}

function noteOf({ problem, cancel, progress, open }: TaskView): string {
  if (problem !== undefined) return fitted(plain(problem.message), NOTE_WIDTH);
  if (cancel !== undefined && cancel.reason !== '') return fitted(plain(cancel.reason), NOTE_WIDTH);
  return open && progress !== undefined ? `${progress.done} of ${progress.total}` : '';
}
