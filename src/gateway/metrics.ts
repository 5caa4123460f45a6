/**
 * What the gateway counts, on a page of its own: the worker's meter belongs to Temporal's runtime and cannot be served
 * from here. GATEWAY_METRICS is the one list; docs/runbook.md says what each means, and a test compares them.
 */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { CANCEL_STATUSES } from './wire/cancel.ts';
import { KILL_ANSWERS, type WireKill } from './wire/kill.ts';

export interface GatewayMetricEntry {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Every value of every label, where the values are a closed set. */
  readonly labels: Readonly<Record<string, readonly string[] | 'any'>>;
}

export const STREAMS = ['events', 'logs'] as const;
export type StreamKind = (typeof STREAMS)[number];

/** `unknown_task`: 404. */
const CANCEL_ANSWERS = [...CANCEL_STATUSES, 'unknown_task'] as const;

export const GATEWAY_METRICS = {
  requests: {
    name: 'holdfast_gateway_requests_total',
    type: 'counter',
    help: 'Requests by route and status.',
    labels: { method: 'any', route: 'any', status: 'any' },
  },
  requestSeconds: {
    name: 'holdfast_gateway_request_seconds',
    type: 'histogram',
    help: 'From a request to the end of its answer; a stream lasts as long as it is read.',
    labels: { method: 'any', route: 'any' },
  },
  cancels: {
    name: 'holdfast_gateway_cancels_total',
    type: 'counter',
    help: 'Cancels by what they were answered with.',
    labels: { answer: CANCEL_ANSWERS },
  },
  kills: {
    name: 'holdfast_gateway_kills_total',
    type: 'counter',
    help: 'Kills by what they were answered with.',
    labels: { answer: KILL_ANSWERS },
  },
  streams: {
    name: 'holdfast_gateway_streams',
    type: 'gauge',
    help: 'Streams that are open.',
    labels: { kind: STREAMS },
  },
  streamsCut: {
    name: 'holdfast_gateway_streams_cut_total',
    type: 'counter',
    help: 'Streams that were cut because their reader did not read.',
    labels: { kind: STREAMS },
  },
} as const satisfies Readonly<Record<string, GatewayMetricEntry>>;

const BUCKETS = [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300];

export class GatewayMetrics {
  readonly #registry = new Registry();
  readonly #requests = new Counter({ ...this.#told(GATEWAY_METRICS.requests) });
  readonly #seconds = new Histogram({ ...this.#told(GATEWAY_METRICS.requestSeconds), buckets: BUCKETS });
  readonly #cancels = new Counter({ ...this.#told(GATEWAY_METRICS.cancels) });
  readonly #kills = new Counter({ ...this.#told(GATEWAY_METRICS.kills) });
  readonly #streams = new Gauge({ ...this.#told(GATEWAY_METRICS.streams) });
  readonly #cut = new Counter({ ...this.#told(GATEWAY_METRICS.streamsCut) });

  /** A rate does not see a series that begins at 1: closed sets begin at 0. */
  constructor() {
    for (const answer of CANCEL_ANSWERS) this.#cancels.inc({ answer }, 0);
    for (const answer of KILL_ANSWERS) this.#kills.inc({ answer }, 0);
    for (const kind of STREAMS) {
      this.#streams.set({ kind }, 0);
      this.#cut.inc({ kind }, 0);
    }
  }

  /** `route` is the pattern, never the path: a path has ids in it. */
  requestAnswered({ method, route, status, seconds }: RequestTold): void {
    this.#requests.inc({ method, route, status: String(status) });
    this.#seconds.observe({ method, route }, seconds);
  }

  cancelAnswered(answer: (typeof CANCEL_ANSWERS)[number]): void {
    this.#cancels.inc({ answer });
  }

  killAnswered(answer: WireKill['answer']): void {
    this.#kills.inc({ answer });
  }

  streamOpened(kind: StreamKind): void {
    this.#streams.inc({ kind });
  }

  streamClosed(kind: StreamKind): void {
    this.#streams.dec({ kind });
  }

  streamCut(kind: StreamKind): void {
    this.#cut.inc({ kind });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The page as Prometheus reads it. */
  page(): Promise<string> {
    return this.#registry.metrics();
  }

  #told({ name, help, labels }: GatewayMetricEntry) {
    return { name, help, labelNames: Object.keys(labels), registers: [this.#registry] };
  }
}

interface RequestTold {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}
