/** Every case is kept as soon as it is judged, so that a run that was interrupted goes on where it was. */
import { createHash } from 'node:crypto';
import { appendFileSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathsFrom, repository } from '../../dev/system/paths.ts';
import type { Observation } from './observation.ts';

/** Cases of another key are not mixed in. */
export interface Key {
  readonly seed: string;
  readonly cleanUpSeconds: number;
  /** Digest of the programs and of the laboratory that measured them. */
  readonly code: string;
}

interface Line extends Key {
  readonly observation: Observation;
}

export class CaseStore {
  readonly #file = join(pathsFrom(process.env).state, 'lab', 'report-cases.jsonl');

  constructor({ fresh }: { readonly fresh: boolean }) {
    mkdirSync(dirname(this.#file), { recursive: true });
    if (fresh) rmSync(this.#file, { force: true });
  }

  read(protocol: string, key: Key): readonly Observation[] {
    return this.#lines()
      .filter((line) => line.seed === key.seed && line.code === key.code && line.cleanUpSeconds === key.cleanUpSeconds)
      .map(({ observation }) => observation)
      .filter((observation) => observation.protocol === protocol);
  }

  keep(key: Key, observation: Observation): void {
    appendFileSync(this.#file, `${JSON.stringify({ ...key, observation } satisfies Line)}\n`);
  }

  /** A line that was cut off by a kill is left out. */
  #lines(): readonly Line[] {
    let text = '';
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch {
      return [];
    }
    return text.split('\n').flatMap((line) => {
      try {
        return [JSON.parse(line) as Line];
      } catch {
        return [];
      }
    });
  }
}

const LABORATORY = ['lab/report/{scenarios,faults,oracle,run}.ts', 'lab/proxy/*.ts', 'lab/protocols/*.ts'];
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  holdfast: ['src/**/*.ts'],
  'plain-temporal': ['lab/protocols/plain-temporal/*.ts'],
};

export function codeOf(protocol: string): string {
  const files = globSync([...LABORATORY, ...(PROGRAMS[protocol] ?? [])], { cwd: repository }).toSorted();
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(join(repository, file)));
  return hash.digest('hex').slice(0, 16);
}
