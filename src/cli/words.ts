/** Whether the answer is for a script; asked before the words are understood, for the refusal of words that are not. */
export function wantsJson(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return (end < 0 ? words : words.slice(0, end)).includes('--json');
}
