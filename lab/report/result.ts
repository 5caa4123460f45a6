/** What the report is made of, as docs/evidence.json keeps it. */
import type { CancelsResult } from '../cancels/results.ts';
import type { SoakResult } from '../soak/results.ts';
import type { ModelResult, MutantsResult, SweepResult } from './other-tiers.ts';
import type { Table } from './table.ts';

export interface Evidence {
  readonly kind: 'evidence';
  /** Tier 1: `npm run lab -- model --json`. */
  readonly model?: ModelResult;
  readonly mutants?: MutantsResult;
  /** Tier 2: `npm run lab -- sweep --summary docs/evidence/sweep-NODES.json`. */
  readonly sweeps?: readonly SweepResult[];
  /** Tier 3: this report's own. */
  readonly table?: Table;
  /** `npm run lab -- cancels --summary docs/evidence/cancels.json`. */
  readonly cancels?: CancelsResult;
  /** `npm run lab -- soak --summary docs/evidence/soak.json`. */
  readonly soak?: SoakResult;
}
