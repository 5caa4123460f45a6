/** Counter-examples and verdicts as text that people read. */
import type { PathStep, Verdict } from './explore.ts';
import type { Cluster } from './cluster.ts';
import { PROMISE } from './promise.ts';
import type { World } from './world.ts';

const RESULT: Readonly<Record<string, string>> = {
  [PROMISE.noContainer]: 'A container runs although "cancelled" was told',
  [PROMISE.noPod]: 'A Pod is made for a task that was cancelled before its start',
  [PROMISE.oneStart]: 'The task was started twice',
  [PROMISE.noForeign]: "Somebody else's Job was changed or deleted",
  [PROMISE.truth]: 'The answer that was told is untrue',
  [PROMISE.cleanCancel]: 'Orphaned K8s job running for a cancelled evaluation',
  [PROMISE.cleanEnd]: 'It stays so: no step leads to an answer with nothing left',
};

/** T0..Tn and the result, as in background/orphan-race.txt. */
export function timeline(verdict: Verdict<unknown>): readonly string[] {
  const rows = verdict.path.map((step, at) => `T${at}: ${withReference(step.label, verdict.path, at)}`);
  return [...rows, `Result: ${resultOf(verdict)}`];
}

function resultOf({ property, path }: Verdict<unknown>): string {
  const last = path.at(-1)?.state as Partial<Pick<World<unknown>, 'facts' | 'cluster'>> | undefined;
  const { facts, cluster } = last ?? {};
  if (property === PROMISE.truth && facts?.untrue) return `Told "${facts.told}", but ${facts.untrue}`;
  const started = cluster?.jobs.some((job) => !job.foreign && !job.suspended && !job.finished);
  if (property === PROMISE.cleanCancel && !started) return `Left behind for ever: ${leftIn(cluster)}`;
  return RESULT[property] ?? property;
}

function leftIn(cluster: Cluster | undefined): string {
  const jobs = cluster?.jobs
    .filter((job) => !job.foreign)
    .map((job) => (job.suspended ? 'a suspended Job' : 'a finished Job'));
  const left = [
    ...(cluster?.anchors.map(() => 'the anchor') ?? []),
    ...(jobs ?? []),
    ...(cluster?.pods.map(() => 'a Pod') ?? []),
  ];
  return left.join(', ') || 'nothing; but somebody waits for ever';
}

/** `{execute}` becomes the row in which that call was made last. */
function withReference(label: string, path: readonly PathStep<unknown>[], at: number): string {
  return label.replace('{execute}', () => {
    const made = path.slice(0, at).findLastIndex((step) => /HTTP call|confirms the reservation/.test(step.label));
    return `T${made}`;
  });
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Columns as wide as their widest cell. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
