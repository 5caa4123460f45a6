/** Reads Server-Sent Events as a browser would. */
import type { StreamEvent } from '../../src/gateway/streams/sse.ts';

export interface Heard extends StreamEvent {
  // What the data is, is for the test to say.
  readonly data: Readonly<Record<string, unknown>>;
}

/** Events as they come; ends with the stream. */
export async function* listen(url: string, lastEventId?: string, signal?: AbortSignal): AsyncGenerator<Heard> {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const answer = await fetch(url, { headers, ...(signal && { signal }) });
  if (answer.status !== 200 || answer.body === null) throw new Error(`${url} answered ${answer.status}`);
  let text = '';
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    yield* blocks.flatMap(parsed);
  }
}

export function parsed(block: string): readonly Heard[] {
  const fields = new Map(
    block.split('\n').map((line) => [line.split(': ', 1)[0] ?? '', line.slice(line.indexOf(': ') + 2)]),
  );
  const [event, data, id] = [fields.get('event'), fields.get('data'), fields.get('id')];
  if (event === undefined || data === undefined) return [];
  return [{ event, data: JSON.parse(data) as Heard['data'], ...(id !== undefined && { id }) }];
}
