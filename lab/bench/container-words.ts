/** When a container said something, by the clock of its runtime: to the microsecond, where a Pod's status knows seconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CONTAINER } from '../../src/kubernetes/job.ts';
import type { JobsApi } from '../../src/kubernetes/jobs-api.ts';
import { isApiError } from '../../src/kubernetes/api-error.ts';

export interface Words {
  /** Milliseconds since 1970; waits until the word was said. */
  readonly when: (word: string) => Promise<number>;
  readonly close: () => void;
}

/** Listens from the container's first word on; it must have begun, or be about to. */
export function listenTo(api: JobsApi, pod: string): Words {
  const stop = new AbortController();
  const said = new Map<string, PromiseWithResolvers<number>>();
  const of = (word: string) => {
    const found = said.get(word) ?? Promise.withResolvers<number>();
    if (!said.has(word)) found.promise.catch(() => undefined);
    said.set(word, found);
    return found;
  };
  const ended = readAll(api, pod, stop.signal, (word, at) => of(word).resolve(at));
  void ended
    .catch(() => undefined)
    .finally(() => {
      for (const [word, { reject }] of said) reject(new Error(`Pod ${pod} did not say "${word}" before its log ended`));
    });
  return { when: (word) => of(word).promise, close: () => stop.abort() };
}

async function readAll(api: JobsApi, pod: string, signal: AbortSignal, hear: (word: string, at: number) => void) {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of opened(api, pod, signal)) {
    const rows = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = rows.pop() ?? '';
    for (const row of rows) {
      const [time = '', word = ''] = row.split(' ');
      hear(word, momentOf(time));
    }
  }
}

/** A node refuses the log of a container that it has not begun yet. */
async function* opened(api: JobsApi, pod: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (;;) {
    try {
      yield* api.readLog({ pod, container: CONTAINER, follow: true }, signal);
      return;
    } catch (error) {
      if (!isApiError(error, 'refused')) throw error;
      await sleep(50, undefined, { signal });
    }
  }
}

/** `2026-01-02T03:04:05.123456789Z`; JavaScript's own reading ends at milliseconds. */
export function momentOf(time: string): number {
  const [whole = '', fraction = ''] = time.replace('Z', '').split('.');
  return Date.parse(`${whole}Z`) + Number(`0.${fraction || '0'}`) * 1_000;
}
