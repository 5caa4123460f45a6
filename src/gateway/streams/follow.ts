/** What the two streams of a task are made of: both read from the one sight that is shared by all who follow it. */
import { type Cursor, newsOf } from '../../client/news.ts';
import { type ContainerLine, linesFrom } from '../../logs/container-lines.ts';
import type { LogStore, StoredRun } from '../../logs/store.ts';
import { wireEvent } from '../wire/event.ts';
import type { Feeds } from './feed.ts';
import type { Sight } from './sight.ts';
import { BUFFER, QUIET_MS, SIGN_OF_LIFE, written } from './sse.ts';

export async function* taskEvents(
  feeds: Feeds<Sight>,
  taskId: string,
  from: Cursor | undefined,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let cursor = from;
  for await (const sight of feeds.follow(taskId, signal, QUIET_MS)) {
    if (sight === undefined) {
      yield SIGN_OF_LIFE;
      continue;
    }
    const news = newsOf(sight, cursor);
    cursor = news.cursor;
    const piece = news.told.map((told) => written(wireEvent(told, sight.view)));
    if (piece.length > 0) yield piece.join('');
  }
}

/** How much of each file was had, in bytes; as `Last-Event-ID` it is `file@bytes` for each, with `;` between. */
export type Had = ReadonlyMap<string, number>;

export function hadOf(id: string | undefined): Had {
  const files = [...(id ?? '').matchAll(/([\w.-]{1,300})@(\d{1,12})(?:;|$)/g)];
  return new Map(files.map(([, file = '', bytes]) => [file, Number(bytes)]));
}

export interface KeptLine extends ContainerLine {
  /** What was had, with this line. */
  readonly had: Had;
}

/** Lines of one run that come after what was had. */
export async function* linesSince(
  store: LogStore,
  run: StoredRun,
  from: Had,
  withEvents: boolean,
): AsyncGenerator<KeptLine> {
  let had = from;
  for await (const { end, ...line } of linesFrom(store, run, (file) => from.get(file) ?? 0, withEvents)) {
    had = new Map([...had, [line.file, end]]);
    yield { ...line, had };
  }
}

export async function* taskLog(
  feeds: Feeds<Sight>,
  store: LogStore,
  taskId: string,
  from: Had,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let had = from;
  for await (const sight of feeds.follow(taskId, signal, QUIET_MS)) {
    if (sight === undefined) yield SIGN_OF_LIFE;
    if (sight?.logs !== undefined) {
      let piece = '';
      for await (const { had: now, ...line } of linesSince(store, sight.logs.run, had, !sight.view.open)) {
        had = now;
        piece += written({ id: idOf(now), event: 'line', data: line });
        if (piece.length < BUFFER) continue;
        yield piece;
        piece = '';
        if (signal.aborted) return;
      }
      if (piece !== '') yield piece;
    }
    if (sight !== undefined && !sight.view.open)
      yield written({ id: `${idOf(had)};${ENDED}`, event: 'end', data: { outcome: sight.view.outcome } });
  }
}

/** Stands in the id after the last line: who comes back with it has had everything. */
export const ENDED = 'ended';

function idOf(had: Had): string {
  return Array.from(had, ([file, bytes]) => `${file}@${bytes}`).join(';');
}
