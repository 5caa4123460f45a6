/** What Holdfast costs on top of Kubernetes, as bars: each measurement over its floor, with what is wanted beside it. */
import type { Limit } from '../limits.ts';
import type { Measured } from '../result.ts';

export type Theme = 'light' | 'dark';

const COLOURS = {
  light: {
    paper: '#ffffff',
    ink: '#1f2328',
    faint: '#59636e',
    line: '#d1d9e0',
    floor: '#d1d9e0',
    ours: '#0969da',
    reach: '#1a7f37',
  },
  dark: {
    paper: '#0d1117',
    ink: '#f0f6fc',
    faint: '#9198a1',
    line: '#3d444d',
    floor: '#3d444d',
    ours: '#4493f8',
    reach: '#3fb950',
  },
} as const;
type Colours = (typeof COLOURS)[Theme];

const WIDTH = 960;
const LEFT = 400;
const RIGHT = 100;
const TOP = 44;
const ROW = 34;
const FOOT = 40;

/** Undefined while nothing has a floor. */
export function chartOf(measured: readonly Measured[], limits: readonly Limit[], theme: Theme): string | undefined {
  const bars = measured.filter(({ key, ratio }) => ratio !== undefined && limits.some((limit) => limit.key === key));
  if (bars.length === 0) return undefined;
  const colours = COLOURS[theme];
  const most = Math.max(2, ...bars.map(({ ratio }) => ratio?.high ?? 0));
  const height = TOP + bars.length * ROW + FOOT;
  const x = (times: number) => LEFT + (times / most) * (WIDTH - LEFT - RIGHT);
  const rows = bars.flatMap((one, index) => row(one, limits, TOP + index * ROW + ROW / 2, x, colours));
  const ticks = Array.from({ length: Math.floor(most) + 1 }, (_, times) => times);
  const bottom = TOP + bars.length * ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="13" role="img">`,
    '<title>What Holdfast takes, over what plain Kubernetes Jobs take in the same run</title>',
    `<rect width="${WIDTH}" height="${height}" rx="8" fill="${colours.paper}"/>`,
    text(20, 26, 'Holdfast over plain Kubernetes Jobs, side by side', colours.ink, 'font-weight="600" font-size="15"'),
    ...ticks.flatMap((times) => [
      line(x(times), TOP, x(times), bottom, times === 1 ? colours.faint : colours.line),
      text(
        x(times),
        bottom + 20,
        times === 1 ? 'floor' : `${times} ×`,
        colours.faint,
        'text-anchor="middle" font-size="12"',
      ),
    ]),
    ...rows,
    text(20, bottom + 20, 'bar: median; thin line: 90 %; green: what is wanted', colours.faint, 'font-size="12"'),
    '</svg>',
    '',
  ].join('\n');
}

function row(
  { key, title, ratio }: Measured,
  limits: readonly Limit[],
  y: number,
  x: (times: number) => number,
  colours: Colours,
): readonly string[] {
  if (ratio === undefined) return [];
  const reach = limits.find((limit) => limit.key === key)?.reach;
  return [
    text(20, y + 5, title, colours.ink),
    `<rect x="${LEFT}" y="${y - 9}" width="${(x(ratio.value) - LEFT).toFixed(1)}" height="18" rx="3" fill="${colours.ours}"/>`,
    line(x(ratio.low), y, x(ratio.high), y, colours.ink, 'stroke-width="2"'),
    ...(reach === undefined ? [] : [line(x(reach), y - 13, x(reach), y + 13, colours.reach, 'stroke-width="3"')]),
    text(WIDTH - RIGHT + 20, y + 5, `${ratio.value.toFixed(2)} ×`, colours.ink, 'font-weight="600"'),
  ];
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, more = ''): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1}" x2="${x2.toFixed(1)}" y2="${y2}" stroke="${colour}" ${more}/>`;
}

function text(x: number, y: number, words: string, colour: string, more = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y}" fill="${colour}" ${more}>${words.replaceAll('`', '')}</text>`;
}
