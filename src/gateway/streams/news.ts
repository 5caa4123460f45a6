/** From what is seen and what somebody has had of it, to what is new to them. Pure. */
import { digest } from '../../fence.ts';
import type { TaskView } from '../../task-view.ts';
import { wireDiagnosis, wireProgress, wireResult, wireTask } from '../wire/task.ts';
import type { Sight } from './sight.ts';
import type { StreamEvent } from './sse.ts';

/** How far somebody is: it travels as the id of each event, and comes back as `Last-Event-ID`. */
export interface Cursor {
  readonly runId: string;
  /** Of the last step that was had. */
  readonly step: number;
  /** Marks of the progress and the diagnosis that were had, or `end`. */
  readonly seen: string;
}

const NOTHING = '-';
export const END = 'end';

export function cursorOf(id: string | undefined): Cursor | undefined {
  const [, runId, step, seen] = /^([\w-]{1,64})\.(\d{1,9})\.([\w-]{1,64})$/.exec(id ?? '') ?? [];
  return runId === undefined || seen === undefined ? undefined : { runId, step: Number(step), seen };
}

function idOf({ runId, step, seen }: Cursor): string {
  return `${runId}.${step}.${seen}`;
}

export interface News {
  readonly events: readonly StreamEvent[];
  readonly cursor: Cursor;
}

/** A cursor of another run, or of nothing known, gets everything: never a gap. */
export function newsOf(sight: Sight, from: Cursor | undefined): News {
  const { view, steps } = sight;
  let cursor = from?.runId === view.runId ? from : { runId: view.runId, step: 0, seen: NOTHING };
  const events: StreamEvent[] = [];
  for (const { number, state } of steps.filter((step) => step.number > cursor.step)) {
    cursor = { ...cursor, step: number };
    const { task_id, phase, outcome, started, job, cancel } = wireTask({ ...endless(view), ...state });
    events.push({ id: idOf(cursor), event: 'phase', data: { task_id, phase, outcome, started, job, cancel } });
  }
  if (view.open) return latest(sight, cursor, events);
  cursor = { ...cursor, seen: END };
  return { cursor, events: [...events, { id: idOf(cursor), event: 'outcome', data: wireResult(view, sight.ending) }] };
}

/**
 * Of the two only the last has an id: should the line break between them, both come again. That nobody sees the Pod any
 * more, since it is released or its worker starts anew, is no progress; that nothing keeps the task any more is news.
 */
function latest({ view }: Sight, cursor: Cursor, before: readonly StreamEvent[]): News {
  const [hadProgress = '', hadDiagnosis = ''] = cursor.seen.split(NOTHING);
  const { pod } = wireTask(view);
  const progress = { pod, progress: wireProgress(view) };
  const diagnosis = wireDiagnosis(view);
  const isSeen = pod !== null || progress.progress !== null;
  const marks = [isSeen ? mark(progress) : hadProgress, diagnosis === null ? '' : mark(diagnosis)];
  const at = { ...cursor, seen: marks.join(NOTHING) };
  const changed = [
    ...(marks[0] === hadProgress ? [] : [{ event: 'progress', data: progress }]),
    ...(marks[1] === hadDiagnosis ? [] : [{ event: 'diagnosis', data: { diagnosis } }]),
  ];
  const told = changed.map((event, n) => (n === changed.length - 1 ? { ...event, id: idOf(at) } : event));
  return { cursor: at, events: [...before, ...told] };
}

function mark(value: unknown): string {
  return digest(value).slice(0, 8);
}

/** A step is told as it was, not with what came after it. */
function endless(view: TaskView): Omit<TaskView, 'outcome' | 'cancel' | 'job'> {
  const { outcome: _, cancel: __, job: ___, ...rest } = view;
  return rest;
}
