/** What a front end loads with `holdfast/http`: nothing that a browser has not. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const entry = new URL('../../src/http.ts', import.meta.url);

/** Modules that are loaded, not those of which only types are taken. */
function loadedBy(url: URL, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(url.href)) return seen;
  seen.add(url.href);
  const source = readFileSync(url, 'utf8');
  const statements = source.matchAll(/^(?:import|export)(?! type)\s[^;]*?from '([^']+)';|import\('([^']+)'\)/gm);
  for (const [, named = '', later = ''] of statements) {
    const from = named || later;
    if (from.startsWith('.')) loadedBy(new URL(from, url), seen);
    else seen.add(from);
  }
  return seen;
}

describe('the entry for front ends', () => {
  it('loads no package and nothing of Node', () => {
    const loaded = [...loadedBy(entry)];
    expect(loaded.filter((name) => !name.startsWith('file:'))).toEqual([]);
    const files = loaded.map((name) => name.replace(/^.*\/src\//, '')).toSorted();
    expect(files).toContain('client/http/client.ts');
    expect(files.filter((file) => /^(gateway|kubernetes|client\/temporal)\//.test(file))).toEqual([]);
  });

  it('reads nothing that only Node has in its globals', () => {
    for (const file of loadedBy(entry))
      expect(readFileSync(new URL(file), 'utf8'), file).not.toMatch(/\b(?:process|Buffer|setImmediate)\b[.(]/);
  });
});
