/** A task that is under way, in one line. */
import type { Problem } from '../../contract.ts';
import type { TaskView } from '../../task-view.ts';
import { plain } from '../terminal.ts';
import { bar, span } from './text.ts';

/** What the phases mean to somebody who waits. */
const PHASES: Readonly<Record<TaskView['phase'], string>> = {
  provisioning: 'provisioning',
  queued: 'waiting to be let in',
  reserving: 'reserving a Job',
  starting: 'starting',
  running: 'running',
  releasing: 'releasing',
  ended: 'ended',
};

export function phaseOf(view: TaskView): string {
  if (view.outcome !== undefined) return view.outcome.replace('_', ' ');
  return view.cancelRequested ? `cancelling, ${PHASES[view.phase]}` : PHASES[view.phase];
}

/** For a terminal: everything, with how long so far. */
export function liveLine(view: TaskView, keeps: Problem | undefined, elapsedMs: number): string {
  const { progress, pod } = view;
  const isMoving = view.phase === 'running' && keeps === undefined && !view.cancelRequested;
  return [
    `${phaseOf(view)} ${span(elapsedMs).replace(/\.\d/, '')}`,
    progress && `${bar(progress.done, progress.total)} ${progress.done}/${progress.total}`,
    progress?.note && plain(progress.note),
    keeps && plain(keeps.message),
    isMoving && progress === undefined && pod && `Pod ${pod.name} ${pod.phase}${onNode(pod.node)}`,
  ]
    .filter(Boolean)
    .join(' · ');
}

/** For a log: what is new since the last line, without anything that changes by itself. */
export function stateLine(view: TaskView, keeps: Problem | undefined): string {
  const { pod } = view;
  const isThere = view.phase === 'running' && pod !== undefined;
  return [
    phaseOf(view),
    isThere && `Pod ${pod.name} ${pod.phase}${onNode(pod.node)}`,
    keeps && `${plain(keeps.message)}${keeps.next === undefined ? '' : ` ${plain(keeps.next)}`}`,
  ]
    .filter(Boolean)
    .join('; ');
}

export function progressText({ progress }: TaskView): string | undefined {
  if (progress === undefined) return undefined;
  const note = progress.note === undefined ? '' : `, ${plain(progress.note)}`;
  return `${progress.done} of ${progress.total}${note}`;
}

function onNode(node: string | undefined): string {
  return node === undefined ? '' : ` on ${node}`;
}
