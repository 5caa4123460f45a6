/** What the report reads of the results of tier 1 and tier 2, and how it says it. */

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

/** `npm run lab -- sweep --summary docs/evidence/sweep.json`: whatever it counts, by name. */
export type SweepResult = Readonly<Record<string, unknown>>;

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

const WORDS: Readonly<Record<string, string>> = {
  cases: 'cases',
  held: 'held',
  cancelled: 'of them cancelled',
  latePods: 'Pods made after the answer',
  p50: 'from the wait for the end to the outcome told, p50, ms',
  p95: 'the same, p95, ms',
  bystandersUntouched: 'bystanders untouched',
  nodes: 'containers',
};

export function sweepSection(sweep: SweepResult): readonly string[] {
  const told = Object.entries(sweep).flatMap(([name, value]) => {
    if (Array.isArray(value)) return [`| ${WORDS[name] ?? name} | ${value.length} |`];
    if (typeof value === 'number') return [`| ${WORDS[name] ?? name} | ${value.toLocaleString('en')} |`];
    if (typeof value === 'boolean') return [`| ${WORDS[name] ?? name} | ${value ? 'yes' : 'no'} |`];
    return typeof value === 'string' ? [`| ${WORDS[name] ?? name} | ${value} |`] : [];
  });
  return ['## Tier 2: a sweep of faults on a real API server', '', '| | |', '|---|---|', ...told, ''];
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
