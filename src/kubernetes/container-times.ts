/** When the containers of a run ran, as far as somebody looked. */
import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { statusesOf } from './container-status.ts';

/** Milliseconds since 1970. Kubernetes tells whole seconds. */
interface Span {
  readonly from: number;
  readonly to: number | undefined;
}

export class ContainerTimes {
  readonly #spans = new Map<string, Span>();
  #looked = 0;

  /** Takes what Kubernetes says; a container whose Pod went before anybody saw it end has ended by this look. */
  look(pods: readonly V1Pod[], now: number): void {
    this.#looked = now;
    const seen = new Map(pods.flatMap(spansOf));
    for (const [container, { from, to }] of this.#spans)
      if (!seen.has(container)) this.#spans.set(container, { from, to: to ?? now });
    for (const [container, span] of seen) this.#spans.set(container, span);
  }

  /** Seconds that all containers together ran after `moment`; what was not seen to end ran until the last look. */
  secondsAfter(moment: number): number {
    const each = [...this.#spans.values()].map(({ from, to = this.#looked }) =>
      Math.max(0, to - Math.max(from, moment)),
    );
    return each.reduce((sum, ms) => sum + ms, 0) / 1_000;
  }
}

function spansOf(pod: V1Pod): readonly (readonly [string, Span])[] {
  return statusesOf(pod).flatMap((container) => {
    const span = spanOf(container);
    return span === undefined ? [] : [[`${pod.metadata?.uid} ${container.name}`, span] as const];
  });
}

function spanOf({ state }: V1ContainerStatus): Span | undefined {
  const from = state?.terminated?.startedAt ?? state?.running?.startedAt;
  // A container that never ran may be told as terminated, with no start.
  if (from === undefined || from === null) return undefined;
  const to = state?.terminated?.finishedAt;
  return { from: new Date(from).getTime(), to: to === undefined ? undefined : new Date(to).getTime() };
}
