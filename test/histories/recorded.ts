/** A history as it lies in this folder: protobuf's own JSON, without what would say where it was recorded. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import proto from '@temporalio/proto';

const { History } = proto.temporal.api.history.v1;
type History = proto.temporal.api.history.v1.IHistory;

export interface Recorded {
  readonly name: string;
  readonly workflowId: string;
  readonly history: History;
}

/** Replay looks at none of these. */
const PLACES = new Set(['identity', 'stackTrace']);
/** A worker's own queue is named after its process and machine. */
const STICKY = 'TASK_QUEUE_KIND_STICKY';

export function toFile({ workflowId, history }: Omit<Recorded, 'name'>): string {
  const plain = History.toObject(History.fromObject(history), { longs: String, enums: String, bytes: String });
  return `${JSON.stringify({ workflowId, history: plain }, scrub)}\n`;
}

function scrub(key: string, value: unknown): unknown {
  if (PLACES.has(key)) return '';
  const queue = key === 'taskQueue' ? (value as { kind?: string } | null) : undefined;
  return queue?.kind === STICKY ? { ...queue, name: 'sticky' } : value;
}

export function recordedHistories(): readonly Recorded[] {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.json'));
  return files.toSorted().map((file) => {
    const text = readFileSync(join(import.meta.dirname, file), 'utf8');
    const { workflowId, history } = JSON.parse(text) as { workflowId: string; history: Record<string, unknown> };
    return { name: file.replace(/\.json$/, ''), workflowId, history: History.fromObject(history) };
  });
}
