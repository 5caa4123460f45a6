/** What the pictures of the documents have in common: light and dark, a sheet, lines and words on it. */
export type Theme = 'light' | 'dark';

export interface SheetColours {
  readonly paper: string;
  readonly ink: string;
  readonly faint: string;
  readonly line: string;
}

/** GitHub's own, on whose pages the pictures stand. */
export const SHEET: Readonly<Record<Theme, SheetColours>> = {
  light: { paper: '#ffffff', ink: '#1f2328', faint: '#59636e', line: '#d1d9e0' },
  dark: { paper: '#0d1117', ink: '#f0f6fc', faint: '#9198a1', line: '#3d444d' },
};

export const WIDTH = 960;

/** A whole file. */
export function sheet(title: string, height: number, { paper }: SheetColours, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="13" role="img">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${height}" rx="8" fill="${paper}"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

export function line(x1: number, y1: number, x2: number, y2: number, colour: string, more = ''): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1}" x2="${x2.toFixed(1)}" y2="${y2}" stroke="${colour}" ${more}/>`;
}

/** Words may be Markdown's; their backticks are left out. */
export function text(x: number, y: number, words: string, colour: string, more = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y}" fill="${colour}" ${more}>${words.replaceAll('`', '')}</text>`;
}
