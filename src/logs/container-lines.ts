/** The lines of a run from the log store, each with the file it stands in, from where the reader had come to. */
import type { LogLine, LogStore, StoredRun } from './store.ts';

export interface ContainerLine extends LogLine {
  /** File of the log store it stands in: `<pod>.<container>.log`, or `events.log`. */
  readonly file: string;
}

export async function* linesSince(
  store: LogStore,
  run: StoredRun | undefined,
  offsets: Map<string, number>,
  withEvents: boolean,
): AsyncGenerator<ContainerLine> {
  if (run === undefined) return;
  for (const file of await store.filesOf(run, withEvents)) {
    const key = `${run.run}/${file}`;
    for await (const { end, ...line } of store.lines(run, file, offsets.get(key) ?? 0)) {
      offsets.set(key, end);
      yield { ...line, file };
    }
  }
}
