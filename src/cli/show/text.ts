/** Small pieces of text that several views share. */
import { styleText } from 'node:util';

export type Style = 'green' | 'red' | 'yellow' | 'dim' | 'bold';
export type Paint = (style: Style, text: string) => string;

/** Colours where the stream is a terminal that wants them (NO_COLOR and the like are node:util's business). */
export function painter(stream: NodeJS.WriteStream): Paint {
  return (style, text) => styleText(style, text, { stream });
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function span(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  const [minutes, hours, days] = [60, 3_600, 86_400].map((unit) => Math.floor(seconds / unit));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${minutes} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${hours} h ${(minutes ?? 0) % 60} min`;
  return `${days} d ${(hours ?? 0) % 24} h`;
}

/** `2026-11-22 07:11:34`, in the reader's own time zone. */
export function moment(iso: string): string {
  const at = new Date(iso);
  const two = (value: number) => String(value).padStart(2, '0');
  const date = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-');
  return `${date} ${[two(at.getHours()), two(at.getMinutes()), two(at.getSeconds())].join(':')}`;
}

export function bar(done: number, total: number, width = 20): string {
  const full = total > 0 ? Math.floor((Math.min(done, total) / total) * width) : 0;
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** Names and values in two columns. */
export function rows(pairs: readonly (readonly [string, string | undefined])[]): string {
  const there = pairs.filter(([, value]) => value !== undefined);
  const width = Math.max(...there.map(([name]) => name.length));
  return there.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

/** Columns as wide as their widest cell; the last one is left as it is. */
export function table(lines: readonly (readonly string[])[]): string[] {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
