/**
 * What Holdfast counts, and the words the rest of it counts in. METRICS is the one list: docs/runbook.md says what each
 * means, deploy/alerts.yaml when somebody is called, and tests compare all three. The values go to the meter of
 * Temporal's runtime, so that its metrics and ours are one page. Counting never fails whoever counts.
 */
import type { MetricCounter, MetricGauge, MetricHistogram, MetricMeter } from '@temporalio/common';
import type { Released } from './contract.ts';

export interface MetricEntry {
  /** As it stands on the page. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Every value of every label. Counters begin at 0 with all of them: a rate does not see a series that begins at 1. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

export const METRICS = {
  orphansFound: {
    name: 'holdfast_orphans_found_total',
    type: 'counter',
    help: 'Runs with objects but without an open task, as the sweeper saw twice.',
    labels: { reason: ['closed', 'absent'] },
  },
  orphansRemoved: {
    name: 'holdfast_orphans_removed_total',
    type: 'counter',
    help: 'Such runs that were released, with proof.',
    labels: { reason: ['closed', 'absent'] },
  },
  sweepsRefused: {
    name: 'holdfast_sweeps_refused_total',
    type: 'counter',
    help: 'Sweeps that removed nothing more because something was in doubt.',
    labels: {
      because: [
        'TEMPORAL_UNREACHABLE',
        'CONFIG_INVALID',
        'KUBERNETES_UNREACHABLE',
        'KUBERNETES_UNCLEAR',
        'KUBERNETES_FORBIDDEN',
        'SWEEP_REFUSED',
        'WORKER_FAULT',
        'other',
      ],
    },
  },
  lastSweep: {
    name: 'holdfast_last_sweep_timestamp_seconds',
    type: 'gauge',
    help: 'When the last sweep that was not refused ended.',
    labels: {},
  },
  oldestUnreleased: {
    name: 'holdfast_oldest_unreleased_age_seconds',
    type: 'gauge',
    help: 'How long the run that has waited longest for its release has waited.',
    labels: {},
  },
  followSlotsFree: {
    name: 'holdfast_follow_slots_free',
    type: 'gauge',
    help: 'How many more tasks this worker has room to follow.',
    labels: {},
  },
  cancels: {
    name: 'holdfast_cancels_total',
    type: 'counter',
    help: 'Cancels by what became of the task and what release found of it.',
    labels: { outcome: ['cancelled', 'succeeded', 'failed'], phase: ['nothing', 'suspended', 'started'] },
  },
  cancelProof: {
    name: 'holdfast_cancel_proof_seconds',
    type: 'histogram',
    help: 'From the request of a cancel to the proof that nothing of the task is left.',
    labels: { phase: ['nothing', 'suspended', 'started'] },
  },
  cancelWaste: {
    name: 'holdfast_cancel_wasted_container_seconds',
    type: 'histogram',
    help: 'What the containers of a cancelled task ran after the request, added up.',
    labels: { phase: ['nothing', 'suspended', 'started'] },
  },
  releaseRetries: {
    name: 'holdfast_release_retries_total',
    type: 'counter',
    help: 'Attempts to release beyond the first.',
    labels: {},
  },
} as const satisfies Readonly<Record<string, MetricEntry>>;

const BUCKET_SECONDS = [0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600];

/** Bounds of the histograms by name, for the exporter. */
export const BUCKETS: Readonly<Record<string, number[]>> = {
  [METRICS.cancelProof.name]: BUCKET_SECONDS,
  [METRICS.cancelWaste.name]: BUCKET_SECONDS,
};

/** What release found of a run. */
export type CancelPhase = Extract<Released, { is: 'released' }>['found'];

export interface ProvedCancel {
  readonly phase: CancelPhase;
  /** From the request to the proof. */
  readonly seconds: number;
  readonly wastedContainerSeconds: number;
}

export interface Orphan {
  /** One of METRICS.orphansFound.labels.reason. */
  readonly reason: string;
  /** False if its release failed or was not wanted; the next sweep finds it again. */
  readonly removed: boolean;
}

/** One sweep. */
export interface SweepTold {
  /** When it ended. Milliseconds since 1970. */
  readonly at: number;
  readonly orphans: readonly Orphan[];
  /** An error code; what METRICS.sweepsRefused does not list counts as `other`. */
  readonly refused?: { readonly because: string };
}

export class Metrics {
  readonly #onError: (error: unknown) => void;
  readonly #orphansFound: MetricCounter;
  readonly #orphansRemoved: MetricCounter;
  readonly #sweepsRefused: MetricCounter;
  readonly #lastSweep: MetricGauge;
  readonly #oldestUnreleased: MetricGauge;
  readonly #followSlotsFree: MetricGauge;
  readonly #cancels: MetricCounter;
  readonly #cancelProof: MetricHistogram;
  readonly #cancelWaste: MetricHistogram;
  readonly #releaseRetries: MetricCounter;

  constructor(meter: MetricMeter, onError: (error: unknown) => void) {
    this.#onError = onError;
    this.#orphansFound = counter(meter, METRICS.orphansFound);
    this.#orphansRemoved = counter(meter, METRICS.orphansRemoved);
    this.#sweepsRefused = counter(meter, METRICS.sweepsRefused);
    this.#lastSweep = gauge(meter, METRICS.lastSweep);
    this.#oldestUnreleased = gauge(meter, METRICS.oldestUnreleased);
    this.#followSlotsFree = gauge(meter, METRICS.followSlotsFree);
    this.#cancels = counter(meter, METRICS.cancels);
    this.#cancelProof = histogram(meter, METRICS.cancelProof);
    this.#cancelWaste = histogram(meter, METRICS.cancelWaste);
    this.#releaseRetries = counter(meter, METRICS.releaseRetries);
  }

  swept({ at, orphans, refused }: SweepTold): void {
    this.#record(() => {
      for (const { reason, removed } of orphans) {
        this.#orphansFound.add(1, { reason });
        if (removed) this.#orphansRemoved.add(1, { reason });
      }
      if (refused === undefined) this.#lastSweep.set(at / 1_000);
      else this.#sweepsRefused.add(1, { because: known(refused.because) });
    });
  }

  oldestUnreleased(seconds: number): void {
    this.#record(() => this.#oldestUnreleased.set(seconds));
  }

  followSlotsFree(slots: number): void {
    this.#record(() => this.#followSlotsFree.set(slots));
  }

  cancelProved({ phase, seconds, wastedContainerSeconds }: ProvedCancel): void {
    this.#record(() => {
      this.#cancels.add(1, { outcome: 'cancelled', phase });
      this.#cancelProof.record(seconds, { phase });
      this.#cancelWaste.record(wastedContainerSeconds, { phase });
    });
  }

  /** The Job had ended by itself when the cancel came; that ending is what is told. */
  cancelOutrun(outcome: 'succeeded' | 'failed'): void {
    this.#record(() => this.#cancels.add(1, { outcome, phase: 'started' }));
  }

  releaseRetried(): void {
    this.#record(() => this.#releaseRetries.add(1));
  }

  #record(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#onError(error);
    }
  }
}

function known(because: string): string {
  const listed: readonly string[] = METRICS.sweepsRefused.labels.because;
  return listed.includes(because) ? because : 'other';
}

function counter(meter: MetricMeter, entry: MetricEntry & { type: 'counter' }): MetricCounter {
  const made = meter.createCounter(entry.name, '', entry.help);
  for (const labels of everyLabelling(entry)) made.add(0, labels);
  return made;
}

function gauge(meter: MetricMeter, entry: MetricEntry & { type: 'gauge' }): MetricGauge {
  return meter.createGauge(entry.name, 'float', '', entry.help);
}

function histogram(meter: MetricMeter, entry: MetricEntry & { type: 'histogram' }): MetricHistogram {
  return meter.createHistogram(entry.name, 'float', '', entry.help);
}

function everyLabelling({ labels }: MetricEntry): readonly Readonly<Record<string, string>>[] {
  return Object.entries(labels).reduce<readonly Readonly<Record<string, string>>[]>(
    (sets, [label, values]) => sets.flatMap((set) => values.map((value) => ({ ...set, [label]: value }))),
    [{}],
  );
}
