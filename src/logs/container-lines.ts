/** The lines of a run from the log store, each with the file it stands in, from where the reader had come to. */
import type { LogLine, LogStore, StoredRun } from './store.ts';

export interface ContainerLine extends LogLine {
  /** File of the log store it stands in: `<pod>.<container>.log`, or `events.log`. */
  readonly file: string;
}

/**
 * File after file, each from where `begin` says, in bytes, with where each line ends. `withEvents`: what Kubernetes said,
 * if no container wrote anything.
 */
export async function* linesFrom(
  store: LogStore,
  run: StoredRun,
  begin: (file: string) => number,
  withEvents: boolean,
): AsyncGenerator<ContainerLine & { readonly end: number }> {
  for (const file of await store.filesOf(run, withEvents))
    for await (const line of store.lines(run, file, begin(file))) yield { ...line, file };
}

/** What is new since the last time with these offsets, which it moves on. */
export async function* linesSince(
  store: LogStore,
  run: StoredRun | undefined,
  offsets: Map<string, number>,
  withEvents: boolean,
): AsyncGenerator<ContainerLine> {
  if (run === undefined) return;
  const key = (file: string) => `${run.run}/${file}`;
  const begin = (file: string) => offsets.get(key(file)) ?? 0;
  for await (const { end, ...line } of linesFrom(store, run, begin, withEvents)) {
    offsets.set(key(line.file), end);
    yield line;
  }
}
