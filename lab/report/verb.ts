/** `npm run lab -- report`: measures the table on a real node and writes docs/evidence.md and docs/evidence.json. */
import { PROTOCOLS } from '../protocols/index.ts';
import { wholeNumber } from '../whole-number.ts';
import { measureTable, type TableOptions } from './table.ts';
import { writeEvidence } from './evidence.ts';

export const usage = `npm run lab -- report [--cases N] [--protocols a,b] [--seed S] [--clean-up SECONDS] [--fresh] [--render] [--json]

  --cases N          per protocol and scenario (default 4)
  --protocols LIST   only these: ${PROTOCOLS.map(({ name }) => name).join(', ')}
  --seed S           decides the random moments (default 1)
  --clean-up S       period of the interim solution's clean-up (default 300, as in the background document)
  --fresh            forget the cases of earlier runs; without it a run that was interrupted goes on
  --render           measure nothing; write the documents anew from the results that are there
  --json             the evidence as JSON on stdout`;

/** Of cases, and of seconds. */
const MOST = 9_999;

export async function run(args: readonly string[]): Promise<void> {
  if (args.includes('--help')) return console.log(usage);
  const table = args.includes('--render') ? undefined : await measureTable(parse(args));
  const evidence = writeEvidence(table);
  if (args.includes('--json')) console.log(JSON.stringify(evidence));
  // Connections that wait to be tried again must not keep the process.
  process.exit();
}

export function parse(args: readonly string[]): TableOptions {
  const value = (flag: string) => {
    const at = args.indexOf(flag);
    return at < 0 ? undefined : args[at + 1];
  };
  const names = PROTOCOLS.map(({ name }) => name);
  const protocols = value('--protocols')?.split(',') ?? names;
  const unknown = protocols.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`There is no protocol "${unknown}". Choose of: ${names.join(', ')}.`);
  return {
    cases: wholeNumber('--cases', value('--cases') ?? '4', MOST),
    protocols,
    seed: value('--seed') ?? '1',
    cleanUpSeconds: wholeNumber('--clean-up', value('--clean-up') ?? '300', MOST),
    fresh: args.includes('--fresh'),
  };
}

if (import.meta.main) await run(process.argv.slice(2));
