/** What Holdfast costs on top of Kubernetes, as bars: each measurement over its floor, with what is wanted beside it. */
import { line, sheet, SHEET, text, type Theme, WIDTH } from '../../report/svg.ts';
import type { Limit } from '../limits.ts';
import type { Measured } from '../result.ts';

const COLOURS = {
  light: { ...SHEET.light, ours: '#0969da', reach: '#1a7f37', smallest: '#e16f24' },
  dark: { ...SHEET.dark, ours: '#4493f8', reach: '#3fb950', smallest: '#f0883e' },
} as const;
type Colours = (typeof COLOURS)[Theme];

const LEFT = 500;
const RIGHT = 100;
const TOP = 44;
const ROW = 34;
const FOOT = 62;

/** Undefined while nothing has a floor. */
export function chartOf(measured: readonly Measured[], limits: readonly Limit[], theme: Theme): string | undefined {
  const bars = measured.filter(({ key, ratio }) => ratio !== undefined && limits.some((limit) => limit.key === key));
  if (bars.length === 0) return undefined;
  const colours = COLOURS[theme];
  const most = Math.max(
    2,
    ...bars.flatMap(({ ratio, smallestRatio }) => [ratio?.high ?? 0, smallestRatio?.value ?? 0]),
  );
  const height = TOP + bars.length * ROW + FOOT;
  const x = (times: number) => LEFT + (times / most) * (WIDTH - LEFT - RIGHT);
  const rows = bars.flatMap((one, index) => row(one, limits, TOP + index * ROW + ROW / 2, x, colours));
  const ticks = Array.from({ length: Math.floor(most) + 1 }, (_, times) => times);
  const bottom = TOP + bars.length * ROW;
  const body = [
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
    text(
      20,
      bottom + 46,
      'bar: median; thin line: 90 %; green: what is wanted; orange: the smallest workflow',
      colours.faint,
      'font-size="12"',
    ),
  ];
  return sheet('What Holdfast takes, over what plain Kubernetes Jobs take in the same run', height, colours, body);
}

function row(
  { key, title, ratio, smallestRatio }: Measured,
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
    ...(smallestRatio === undefined
      ? []
      : [line(x(smallestRatio.value), y - 13, x(smallestRatio.value), y + 13, colours.smallest, 'stroke-width="3"')]),
    ...(reach === undefined ? [] : [line(x(reach), y - 13, x(reach), y + 13, colours.reach, 'stroke-width="3"')]),
    text(WIDTH - RIGHT + 20, y + 5, `${ratio.value.toFixed(2)} ×`, colours.ink, 'font-weight="600"'),
  ];
}
