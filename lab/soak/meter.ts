/** The memory of a worker over time, and how it grows. */
import { residentMegabytes } from '../bench/worker-meters.ts';

export interface Sample {
  /** Since the soak began. */
  readonly seconds: number;
  readonly megabytes: number;
  /** Tasks that are open, and that have ended so far. */
  readonly open: number;
  readonly ended: number;
}

/** Between two looks; every so manieth is kept. */
const LOOK_MS = 1_000;
const KEPT_EVERY = 15;

export interface Metering {
  readonly count: () => Omit<Sample, 'megabytes'>;
  /** Megabytes. */
  readonly limit: number;
  /** Called once, with what it has. */
  readonly onTooMuch: (megabytes: number) => void;
}

export class Meter {
  readonly samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;
  #keeps = true;

  /** A process that has ended is metered no more. */
  constructor(pid: number, { count, limit, onTooMuch }: Metering) {
    let looks = 0;
    const look = () => {
      const megabytes = megabytesOf(pid);
      if (megabytes === undefined) return this.stop();
      if (this.#keeps && looks++ % KEPT_EVERY === 0) this.samples.push({ ...count(), megabytes });
      if (megabytes <= limit) return;
      this.samples.push({ ...count(), megabytes });
      this.stop();
      onTooMuch(megabytes);
    };
    this.#timer = setInterval(look, LOOK_MS);
    look();
  }

  /** Keeps no more samples, and looks on. */
  settle(): void {
    this.#keeps = false;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function megabytesOf(pid: number): number | undefined {
  try {
    return Math.round(residentMegabytes(pid) * 10) / 10;
  } catch {
    return undefined;
  }
}

export interface Growth {
  /** Megabytes. */
  readonly anHour: number;
  readonly aThousandTasks: number;
}

/** What counts: at first a flow looks for its rate, and a heap grows to what it needs. */
export function secondHalf(samples: readonly Sample[]): readonly Sample[] {
  return samples.slice(Math.floor(samples.length / 2));
}

/** By least squares over the second half. */
export function growthOf(samples: readonly Sample[]): Growth {
  const half = secondHalf(samples);
  return {
    anHour: slope(half.map(({ seconds, megabytes }) => [seconds, megabytes])) * 3_600,
    aThousandTasks: slope(half.map(({ ended, megabytes }) => [ended, megabytes])) * 1_000,
  };
}

/** Of the line that is nearest to all points; 0 where they say nothing of it. */
export function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (of: (point: readonly [number, number]) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanX, meanY] = [mean(([x]) => x), mean(([, y]) => y)];
  const spread = mean(([x]) => (x - meanX) ** 2);
  return spread > 0 ? mean(([x, y]) => (x - meanX) * (y - meanY)) / spread : 0;
}
