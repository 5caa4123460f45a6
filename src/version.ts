import { readFileSync } from 'node:fs';

/** Of this package: the file stands in `src` or `dist`, just below it. */
export function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
