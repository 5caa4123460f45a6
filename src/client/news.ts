/** From what is seen of a task and what somebody has had of it, to what is new to them. Pure. */
import { digest } from '../fence.ts';
import type { TaskEvent, TaskOutcome } from './task-client.ts';
import type { Look } from './temporal/look.ts';

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

export interface Told {
  readonly event: TaskEvent;
  /** Whoever has had this event can go on from it. */
  readonly id?: string;
}

export interface News {
  readonly told: readonly Told[];
  readonly cursor: Cursor;
}

/** A cursor of another run, or of nothing known, gets everything: never a gap. */
export function newsOf(look: Look, from: Cursor | undefined): News {
  const { view, steps } = look;
  let cursor = from?.runId === view.runId ? from : { runId: view.runId, step: 0, seen: NOTHING };
  const told: Told[] = [];
  for (const { number, state } of steps.filter((step) => step.number > cursor.step)) {
    cursor = { ...cursor, step: number };
    const { phase, started, outcome, cancel, job } = state;
    const then = { phase, started, ...(outcome && { outcome }), ...(cancel && { cancel }), ...(job && { job }) };
    told.push({ id: idOf(cursor), event: { event: 'phase', ...then } });
  }
  if (view.open) return latest(look, cursor, told);
  cursor = { ...cursor, seen: END };
  return { cursor, told: [...told, { id: idOf(cursor), event: { event: 'outcome', ...endingOf(look) } }] };
}

function endingOf({ ending }: Look): TaskOutcome {
  if (ending === undefined) throw new TypeError('a look at a task that has ended has its ending');
  return ending;
}

/**
 * Of the two only the last has an id: should the line break between them, both come again. That nobody sees the Pod any
 * more, since it is released or its worker starts anew, is no progress; that nothing keeps the task any more is news.
 */
function latest({ view }: Look, cursor: Cursor, before: readonly Told[]): News {
  const [hadProgress = '', hadDiagnosis = ''] = cursor.seen.split(NOTHING);
  const { pod, progress, problem } = view;
  const seen = { ...(progress && { progress }), ...(pod && { pod }) };
  const marks = [
    pod !== undefined || progress !== undefined ? mark(seen) : hadProgress,
    problem === undefined ? '' : mark(problem),
  ];
  const at = { ...cursor, seen: marks.join(NOTHING) };
  const changed: TaskEvent[] = [];
  if (marks[0] !== hadProgress) changed.push({ event: 'progress', ...seen });
  if (marks[1] !== hadDiagnosis) changed.push({ event: 'diagnosis', ...(problem && { problem }) });
  const told = changed.map((event, n) => (n === changed.length - 1 ? { event, id: idOf(at) } : { event }));
  return { cursor: at, told: [...before, ...told] };
}

function mark(value: unknown): string {
  return digest(value).slice(0, 8);
}
