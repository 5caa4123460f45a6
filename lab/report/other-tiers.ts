/** What the report reads of the results of tier 1 and tier 2, and how it says it. */
import type { Summary } from '../sweep/results.ts';

/** `npm run lab -- model --json`, kept as docs/evidence/model.json. */
export interface ModelResult {
  readonly kind: 'model';
  readonly explored: readonly {
    readonly protocol: string;
    readonly condition: { readonly name: string; readonly assumptionLost?: boolean };
    readonly states: number;
    readonly complete: boolean;
    readonly verdicts: readonly {
      readonly property: string;
      readonly result: 'holds' | 'broken' | 'bounded';
      readonly counterExample?: readonly string[];
    }[];
  }[];
}

/** `npm run lab -- sweep --summary docs/evidence/sweep-NODES.json`, once for each kind of nodes. */
export interface SweepResult extends Summary {
  readonly nodes: 'real' | 'simulated';
  readonly bystandersUntouched: boolean;
}

export function modelSection({ explored }: ModelResult): readonly string[] {
  const names = [...new Set(explored.map(({ protocol }) => protocol))];
  const rows = names.map((name) => {
    const own = explored.filter(({ protocol }) => protocol === name);
    const fair = own.filter(({ condition }) => condition.assumptionLost !== true);
    const states = own.reduce((sum, item) => sum + item.states, 0).toLocaleString('en');
    const bounded = own.some(({ complete }) => !complete) ? ' or more' : '';
    return `| ${name} | ${own.length} | ${states}${bounded} | ${brokenIn(fair) || 'nothing'} |`;
  });
  return [
    '## Tier 1: every interleaving of a model',
    '',
    'A promise counts as broken only under conditions that leave the protocol its own assumptions.',
    '`npm run lab -- model` prints the shortest counter-example of each.',
    '',
    '| protocol | conditions | states | broken |',
    '|---|---:|---:|---|',
    ...rows,
    '',
  ];
}

function brokenIn(explored: ModelResult['explored']): string {
  const broken = explored.flatMap(({ condition, verdicts }) =>
    verdicts.filter(({ result }) => result === 'broken').map(({ property }) => ({ property, when: condition.name })),
  );
  return Object.entries(Object.groupBy(broken, ({ property }) => property))
    .map(([property, cases = []]) => `${property} (${[...new Set(cases.map(({ when }) => when))].join(', ')})`)
    .join('; ');
}

type Counts = Readonly<Record<string, number>>;

export function sweepSection(sweeps: readonly SweepResult[]): readonly string[] {
  const row = (name: string, cell: (sweep: SweepResult) => string) => `| ${name} | ${sweeps.map(cell).join(' | ')} |`;
  const rows = (of: (sweep: SweepResult) => Counts, before: string) =>
    [...new Set(sweeps.flatMap((sweep) => Object.keys(of(sweep))))].map((name) =>
      row(`${before}${name.replaceAll('_', ' ')}`, (sweep) => count(of(sweep)[name] ?? 0)),
    );
  return [
    '## Tier 2: a sweep of faults on a real API server',
    '',
    'Every case: one task, with faults on its requests and mostly a cancel; judged from the watch of the API server itself.',
    'Simulated nodes run Pods on paper, so those cases say nothing about containers; all else is the same. Many cases played at once,',
    'so the times are those of a busy machine. The bystanders, Jobs of somebody else that look like ours, are compared when a run ends.',
    '',
    `| | ${sweeps.map(({ nodes }) => `${nodes} nodes`).join(' | ')} |`,
    `|---|${sweeps.map(() => '---:').join('|')}|`,
    row('cases', ({ cases }) => count(cases)),
    ...rows(({ byKind }) => byKind, '… '),
    row('held', ({ held }) => count(held)),
    row('**did not hold**', ({ failed }) => `**${count(failed.length)}**`),
    row('a cancel was sent and answered', ({ cancelled }) => count(cancelled)),
    ...rows(({ answers }) => answers, 'answered: '),
    row('Pods made after the answer', ({ latePods }) => count(latePods)),
    row('bystanders untouched', ({ bystandersUntouched }) => (bystandersUntouched ? 'yes' : '**no**')),
    row(
      'from the wait for the end to the outcome told, p50 / p95',
      ({ p50, p95 }) => `${seconds(p50)} / ${seconds(p95)}`,
    ),
    row('versions of Holdfast', ({ versions }) => Object.keys(versions).join(', ')),
    row('played on', ({ days }) => days.join(', ')),
    '',
  ];
}

function count(number: number): string {
  return number.toLocaleString('en');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** `npm run lab -- model --mutants --json`, kept as docs/evidence/mutants.json. */
export interface MutantsResult {
  readonly kind: 'mutants';
  readonly mutants: readonly { readonly name: string; readonly properties: readonly string[] }[];
}

export function mutantsSection({ mutants }: MutantsResult): readonly string[] {
  return [
    '## The checker can fail: Holdfast with one part of the fence left out',
    '',
    '| without | noticed by |',
    '|---|---|',
    ...mutants.map(({ name, properties }) => `| ${name} | ${properties.join('; ') || 'nothing: it is needless'} |`),
    '',
  ];
}
