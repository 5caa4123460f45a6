/** The text, at most so many bytes of UTF-8, with `…` where something was cut off. */
export function cutBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const kept = Buffer.from(text, 'utf8').subarray(0, bytes - 3);
  // A character that was cut through comes out as U+FFFD at the end.
  return `${new TextDecoder().decode(kept).replace(/\uFFFD$/, '')}…`;
}
