/** Lines of JSON, plain or gzipped: HumanEval's way to keep problems and samples. */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { JsonLines } from '../contract.ts';

/** What one file of lines may unpack to. Bytes. A gzip bomb is given up at this size, not at the end of memory. */
export const UNPACKED_BYTES = 16 * 1024 * 1024;

export type Unpacked =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'too_large' }
  | { readonly kind: 'unreadable'; readonly message: string };

export interface NumberedLine {
  /** From 1, as editors count. */
  readonly line: number;
  readonly text: string;
}

/** The text of a file as it is on disk, .gz or not, as what a task carries: gzipped, the same bytes every time. */
export function packJsonLines(file: Uint8Array): JsonLines {
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? file : gzipSync(file, { level: 9 });
  return { gzip: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') };
}

/** The text within, if there is one of at most UNPACKED_BYTES. Never throws. */
export function unpackJsonLines(lines: JsonLines): Unpacked {
  if ('jsonl' in lines) {
    return Buffer.byteLength(lines.jsonl) > UNPACKED_BYTES
      ? { kind: 'too_large' }
      : { kind: 'text', text: lines.jsonl };
  }
  try {
    const bytes = gunzipSync(Buffer.from(lines.gzip, 'base64'), { maxOutputLength: UNPACKED_BYTES });
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    return whyUnreadable(error);
  }
}

function whyUnreadable(error: unknown): Unpacked {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ERR_BUFFER_TOO_LARGE') return { kind: 'too_large' };
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
    return { kind: 'unreadable', message: 'holds text that is not UTF-8.' };
  const why = error instanceof Error ? error.message : String(error);
  return { kind: 'unreadable', message: `is not gzip (${why}); pack it with gzip, or give plain text as jsonl.` };
}

/** The lines that hold something, as HumanEval's own reader takes them: blank ones are skipped. */
export function numberedLines(text: string): NumberedLine[] {
  return text
    .split('\n')
    .map((content, index) => ({ line: index + 1, text: content.trim() }))
    .filter((line) => line.text !== '');
}
