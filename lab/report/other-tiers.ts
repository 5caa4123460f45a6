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

/** `npm run lab -- sweep --json`, kept as docs/evidence/sweep.json: whatever it counts, by name. */
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

export function sweepSection(sweep: SweepResult): readonly string[] {
  const plain = Object.entries(sweep).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  return [
    '## Tier 2: a sweep of faults on a real API server',
    '',
    '| | |',
    '|---|---|',
    ...plain.map(([name, value]) => `| ${name} | ${typeof value === 'number' ? value.toLocaleString('en') : value} |`),
    '',
  ];
}
