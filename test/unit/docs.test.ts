import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import type { CancelAnswer } from '../../src/contract.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const filesIn = (folder: string, ending: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file));

const PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'deploy/README.md', ...filesIn('docs', '.md')];
/** Written by `npm run lab -- report`. */
const isReport = (path: string): boolean => path.startsWith(join('docs', 'evidence'));

const readme = read('README.md');
const matches = (text: string, pattern: RegExp): readonly string[] =>
  [...new Set([...text.matchAll(pattern)].map(([, found = '']) => found))].toSorted();

describe('the README', () => {
  it('has every variable of config.ts in its table, and no other', () => {
    const inCode = matches(read('src/config.ts'), /^ {2}(HOLDFAST_\w+|KUBECONFIG): /gm);
    expect(matches(readme, /^\| `(HOLDFAST_\w+|KUBECONFIG)`/gm)).toEqual(inCode);
  });

  it('names no variable of ours that nobody reads', () => {
    const ports = matches(read('dev/system/ports.ts'), /^ {2}(\w+): \{ port/gm).map((name) => `HOLDFAST_PORT_${name}`);
    const known = [...matches(read('src/config.ts'), /^ {2}(HOLDFAST_\w+): /gm), ...ports];
    for (const page of PAGES.filter((path) => !isReport(path)))
      for (const name of matches(read(page), /`\$?(HOLDFAST_[A-Z_]*[A-Z])`/g)) expect(known, page).toContain(name);
    for (const port of ports) expect(readme).toContain(port);
  });

  it('tells every exit code', () => {
    const told = matches(readme, /^\| (\d+) +\|/gm).map(Number);
    expect(told.toSorted((a, b) => a - b)).toEqual(Object.values(EXIT).toSorted((a, b) => a - b));
  });

  it('tells every answer to a cancel', () => {
    const answers: Readonly<Record<CancelAnswer, true>> = {
      cancelled_before_start: true,
      cancelled_running: true,
      cancelling: true,
      already_completed: true,
      already_failed: true,
      already_cancelled: true,
      already_terminated: true,
      already_timed_out: true,
      unknown_task: true,
    };
    expect(matches(readme, /`((?:cancell|already_|unknown_task)\w*)`/g).filter((word) => word !== 'cancel')).toEqual(
      Object.keys(answers).toSorted(),
    );
  });

  it('shows the example as it is in examples/, which is type-checked and run', () => {
    const example = read('examples/run-and-cancel.ts');
    expect(readme).toContain(example.slice(example.indexOf(' */\n') + 4));
  });

  it('has a place for the head of the evidence', () => {
    expect(readme.indexOf('<!-- evidence:start -->')).toBeGreaterThan(0);
    expect(readme.indexOf('<!-- evidence:end -->')).toBeGreaterThan(readme.indexOf('<!-- evidence:start -->'));
  });
});

describe('every page', () => {
  it.each(PAGES)('%s links to what is there', (page) => {
    const links = matches(read(page), /\]\((?!https?:)([^)\s]+)\)/g);
    const missing = links.filter((link) => {
      const [path = '', heading] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(root, target))) return !isReport(target);
      return heading !== undefined && !headingsOf(read(target)).includes(heading);
    });
    expect(missing).toEqual([]);
  });

  it.each(PAGES)('%s names only npm scripts that exist', (page) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> };
    for (const script of matches(read(page), /npm run ([a-z]+)/g)) expect(Object.keys(scripts)).toContain(script);
  });
});

/** As GitHub makes anchors of headings. */
function headingsOf(markdown: string): readonly string[] {
  return matches(markdown, /^#+ +(.+)$/gm).map((text) =>
    text
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}

describe('the runbook', () => {
  it('has every message that the worker logs at info or above, and no other', () => {
    const source = filesIn('src', '.ts')
      .filter((file) => !file.startsWith(join('src', 'cli')))
      .map(read)
      .join('\n');
    const calls = source.split(/(?:[lL]og|logger|\))\.(?:info|warn|error)\(/).slice(1);
    const messages = calls.flatMap((words) => /'([A-Za-z][^']{7,})'/.exec(words.split(/;\s*\n/)[0] ?? '')?.[1] ?? []);
    expect(messages.length).toBeGreaterThan(8);
    const table = read('docs/runbook.md').split('## Log messages')[1]?.split('\n## ')[0] ?? '';
    expect(matches(table, /^\| ([A-Za-z][A-Za-z ,;]+?) +\| (?:info|warn|error)/gm)).toEqual(
      [...new Set(messages)].toSorted(),
    );
  });
});
