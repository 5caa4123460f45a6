/** Shows a task while something is waited for: one live line on a terminal, else a line for each change. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HoldfastClient } from '../client.ts';
import type { Problem } from '../contract.ts';
import type { TaskView } from '../task-view.ts';
import { liveLine, phaseOf, progressText, stateLine } from './show/progress.ts';
import { fitted, LiveLine, plain, type Sink } from './terminal.ts';
import { whatKeeps } from './what-keeps.ts';

const LOOK_MS = 400;
/** A task that has not moved for so long is asked what keeps it, this often. */
const STILL_MS = 3_000;
/** Between two lines that tell progress alone, where lines stay. */
const PROGRESS_MS = 10_000;

export interface Display {
  show(view: TaskView, keeps: Problem | undefined): void;
  /** A sentence that stays. */
  say(text: string): void;
  end(): void;
}

/** Looks at the task again and again until `end` settles; what it cannot see now it looks for later. */
export async function watch<T>(client: HoldfastClient, taskId: string, display: Display, end: Promise<T>): Promise<T> {
  const over = end.then(
    () => true,
    () => true,
  );
  const still = new Stillness();
  while (!(await Promise.race([over, sleep(LOOK_MS, false, { ref: false })]))) {
    const view = await client.describe(taskId).catch(() => undefined);
    if (view === undefined || !view.open) continue;
    const now = Date.now();
    if (still.isDue(stateLine(view, view.problem), now)) still.keeps = await reason(client, taskId, now);
    display.show(view, view.problem ?? still.keeps);
  }
  return end;
}

async function reason(client: HoldfastClient, taskId: string, now: number): Promise<Problem | undefined> {
  return whatKeeps(client, taskId, now).catch(() => undefined);
}

/** Says when a task has stood still long enough to ask why. */
class Stillness {
  keeps: Problem | undefined;
  #seen = '';
  #askAt = 0;

  isDue(state: string, now: number): boolean {
    if (state !== this.#seen) {
      this.#seen = state;
      this.keeps = undefined;
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
      const advice = keeps?.next === undefined ? '' : `  ${plain(keeps.message)}\n  next: ${plain(keeps.next)}`;
      if (advice !== '' && advice !== told) line.print(advice);
      told = advice === '' ? told : advice;
      const since = Number.isNaN(Date.parse(view.startedAt)) ? began : Date.parse(view.startedAt);
      line.show(liveLine(view, keeps, Date.now() - since));
    },
    say: (text) => line.print(text),
    end: () => line.end(),
  };
}

/** One line for each change; progress alone is worth a line at each tenth, or after a while. */
export function lineDisplay(sink: Pick<Sink, 'line'>, now: () => number): Display {
  let last = '';
  let tenth = -1;
  let toldAt = 0;
  return {
    show(view, keeps) {
      const state = stateLine(view, keeps);
      const { done = 0, total = 0 } = view.progress ?? {};
      const reached = total > 0 ? Math.floor((done / total) * 10) : -1;
      // A restart of the worker forgets the Pod for a moment; that is no news.
      const isNews = !last.startsWith(state);
      const isDue = reached > tenth || (view.progress !== undefined && now() - toldAt >= PROGRESS_MS);
      if (!isNews && !isDue) return;
      const progress = progressText(view);
      sink.line(fitted(!isNews ? `${phaseOf(view)}: ${progress}` : [state, progress].filter(Boolean).join('; '), 500));
      [last, tenth, toldAt] = [isNews ? state : last, Math.max(tenth, reached), now()];
    },
    say: (text) => sink.line(text),
    end: () => undefined,
  };
}
