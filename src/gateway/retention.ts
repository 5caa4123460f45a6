/** How long Temporal answers for a task that has ended: the retention period of its namespace. */
import { ask, type Deps } from './deps.ts';

/** Milliseconds until it is asked for again: it seldom changes. */
const FRESH_MS = 300_000;
const told = new WeakMap<Deps['client'], { readonly until: number; readonly text: Promise<string> }>();

/** `24 hours`, `3 days`; a sentence has a place for it even if Temporal does not say. */
export function retentionOf(deps: Pick<Deps, 'client'>): Promise<string> {
  const known = told.get(deps.client);
  if (known !== undefined && known.until > Date.now()) return known.text;
  const text = ask(deps, () => seconds(deps)).then(spoken, () => 'its retention period');
  told.set(deps.client, { until: Date.now() + FRESH_MS, text });
  return text;
}

async function seconds({ client }: Pick<Deps, 'client'>): Promise<number> {
  const { namespace } = client.temporal.options;
  const { config } = await client.temporal.workflowService.describeNamespace({ namespace });
  return Number(String(config?.workflowExecutionRetentionTtl?.seconds ?? 0));
}

function spoken(seconds: number): string {
  if (seconds <= 0) return 'its retention period';
  const hours = Math.round(seconds / 3_600);
  return hours > 48 && hours % 24 === 0 ? `${hours / 24} days` : `${hours} ${hours === 1 ? 'hour' : 'hours'}`;
}
