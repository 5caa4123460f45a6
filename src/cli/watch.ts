/** Shows a task while something is waited for: one live line on a terminal, else a line for each change. */
import { pause } from '../client/pause.ts';
import { abortable } from '../client/temporal/abortable.ts';
import type { TaskClient } from '../client.ts';
import type { Problem } from '../contract.ts';
import type { TaskView } from '../task-view.ts';
import { liveLine, phaseOf, progressText, stateLine } from './show/progress.ts';
import { fitted, LiveLine, plain, type Sink } from './terminal.ts';
import { isDirect, whatKeeps } from './what-keeps.ts';

const LOOK_MS = 400;
/** A gateway counts what a key asks for, cancels, too: of a task that stands still it is asked more and more rarely. */
const SELDOM_MS = 3_000;
/** A task that has not moved for so long is asked what keeps it, this often. */
const STILL_MS = 3_000;
/** Between two lines that tell progress alone, where lines stay. */
const PROGRESS_MS = 10_000;
/** Between two lines about the same kind of trouble: its wording changes with every attempt. */
const TROUBLE_MS = 60_000;
const LINE_WIDTH = 500;

export interface Display {
  show(view: TaskView, keeps: Problem | undefined): void;
  /** A sentence that stays. */
  say(text: string): void;
  end(): void;
}

/** Looks at the task again and again until `end` settles; what it cannot see now it looks for later. */
export async function watch<T>(client: TaskClient, taskId: string, display: Display, end: Promise<T>): Promise<T> {
  const over = new AbortController();
  const stop = () => over.abort();
  end.then(stop, stop);
  await keepLooking(client, taskId, display, over.signal);
  return end;
}

async function keepLooking(client: TaskClient, taskId: string, display: Display, over: AbortSignal): Promise<void> {
  const slowest = isDirect(client) ? LOOK_MS : SELDOM_MS;
  const still = new Stillness(Date.now());
  while (await passed(Math.min(still.pause(Date.now()), slowest), over)) {
    const view = await client.describe(taskId, { signal: over }).catch(() => undefined);
    if (view === undefined || !view.open) continue;
    const now = Date.now();
    if (still.isDue(stateLine(view, view.problem), now)) still.keeps = await reason(client, taskId, now, over);
    if (!over.aborted) display.show(view, view.problem ?? still.keeps);
  }
}

/** False, and at once, when there is nothing more to wait for. */
function passed(ms: number, over: AbortSignal): Promise<boolean> {
  return pause(ms, over).then(
    () => true,
    () => false,
  );
}

async function reason(
  client: TaskClient,
  taskId: string,
  now: number,
  over: AbortSignal,
): Promise<Problem | undefined> {
  if (!isDirect(client)) return undefined;
  return abortable(client.temporal, over, () => whatKeeps(client, taskId, now)).catch(() => undefined);
}

/** Says when a task has stood still long enough to look at it less often, and to ask why. */
class Stillness {
  keeps: Problem | undefined;
  #seen = '';
  #since: number;
  #askAt: number;

  constructor(now: number) {
    this.#since = now;
    this.#askAt = now + STILL_MS;
  }

  /** Milliseconds: a tenth of how long nothing has changed. */
  pause(now: number): number {
    return Math.max(LOOK_MS, (now - this.#since) / 10);
  }

  isDue(state: string, now: number): boolean {
    if (state !== this.#seen) {
      this.#seen = state;
      this.keeps = undefined;
      this.#since = now;
      this.#askAt = now + STILL_MS;
    }
    if (now < this.#askAt) return false;
    this.#askAt = now + STILL_MS;
    return true;
  }
}

export function displayOn(sink: Sink): Display {
  return sink.isTerminal ? liveDisplay(sink) : lineDisplay(sink, Date.now);
}

function liveDisplay(sink: Sink): Display {
  const line = new LiveLine(sink);
  const began = Date.now();
  let told = '';
  return {
    show(view, keeps) {
      // The live line has room for what is wrong, but not for what to do about it.
      if (keeps?.next !== undefined && keeps.code !== told) line.print(adviceOf(keeps.message, keeps.next));
      told = keeps?.code ?? told;
      const since = Number.isNaN(Date.parse(view.startedAt)) ? began : Date.parse(view.startedAt);
      line.show(liveLine(view, keeps, Date.now() - since));
    },
    say: (text) => line.print(text),
    end: () => line.end(),
  };
}

function adviceOf(message: string, next: string): string {
  return `  ${plain(message)}\n  next: ${plain(next)}`;
}

/** One line for each change; progress alone is worth a line at each tenth, or after a while. */
export function lineDisplay(sink: Pick<Sink, 'line'>, now: () => number): Display {
  const told = { news: '', tenth: -1, at: -Infinity };
  return {
    show(view, keeps) {
      const news = stateLine(view, keeps && { code: keeps.code, message: keeps.code });
      // A restart of the worker forgets the Pod for a moment; that is no news.
      const isNews = !told.news.startsWith(news);
      const quietFor = now() - told.at;
      const tenth = tenthOf(view);
      const hasMoved = tenth > told.tenth || (view.progress !== undefined && quietFor >= PROGRESS_MS);
      if (!isNews && !hasMoved && (keeps === undefined || quietFor < TROUBLE_MS)) return;
      const state = isNews || keeps !== undefined ? stateLine(view, keeps) : phaseOf(view);
      sink.line(fitted([state, progressText(view)].filter(Boolean).join('; '), LINE_WIDTH));
      Object.assign(told, { news: isNews ? news : told.news, tenth: Math.max(told.tenth, tenth), at: now() });
    },
    say: (text) => sink.line(text),
    end: () => undefined,
  };
}

function tenthOf({ progress }: TaskView): number {
  return progress === undefined || progress.total === 0 ? -1 : Math.floor((progress.done / progress.total) * 10);
}
