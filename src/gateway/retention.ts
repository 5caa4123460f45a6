/** How long Temporal answers for a task that has ended: the retention period of its namespace. */
import { HoldfastError } from '../errors.ts';
import { describeNamespace } from '../temporal-namespace.ts';
import { ask, type Deps } from './deps.ts';

/** Milliseconds until it is asked for again: it seldom changes. */
const FRESH_MS = 300_000;
/** The same when nobody answered. */
const AGAIN_MS = 5_000;
/** Whoever asks wants to know something else, and does not wait longer for this. Milliseconds. */
const ASIDE_MS = 2_000;
const told = new WeakMap<Deps['client'], { readonly until: number; readonly seconds: Promise<number | undefined> }>();

/** Seconds; undefined if Temporal does not say, or does not answer now. */
export function retentionOf(deps: Pick<Deps, 'client'>): Promise<number | undefined> {
  const known = told.get(deps.client);
  if (known !== undefined && known.until > Date.now()) return known.seconds;
  const seconds = ask(deps, () => askRetention(deps), ASIDE_MS).catch(() => {
    told.set(deps.client, { until: Date.now() + AGAIN_MS, seconds });
    return undefined;
  });
  told.set(deps.client, { until: Date.now() + FRESH_MS, seconds });
  return seconds;
}

/**
 * @throws HoldfastError CONFIG_INVALID if tasks would be forgotten sooner than they must be answered for, or Temporal has
 * no such namespace; TEMPORAL_UNREACHABLE if it does not answer: a promise that nobody has checked is none.
 */
export async function checkRetention(deps: Pick<Deps, 'client'>, hours: number): Promise<void> {
  const seconds = await ask(deps, () => askRetention(deps));
  if (seconds === undefined || seconds >= hours * 3_600) return;
  const { namespace } = deps.client.temporal.options;
  const field = 'HOLDFAST_GATEWAY_RETENTION_HOURS';
  const message = `is ${hours}, and Temporal forgets what has ended after ${spoken(seconds)}; \`temporal operator namespace update --namespace ${namespace} --retention ${hours}h\` makes it keep it.`;
  throw new HoldfastError('CONFIG_INVALID', `${field} ${message}`, { problems: [{ field, message }] });
}

async function askRetention({ client }: Pick<Deps, 'client'>): Promise<number | undefined> {
  const { config } = await describeNamespace(client.temporal);
  return Number(String(config?.workflowExecutionRetentionTtl?.seconds ?? 0)) || undefined;
}

/** `24 hours`, `3 days`; a sentence has a place for it even if Temporal does not say. */
export function spoken(seconds: number | undefined): string {
  if (seconds === undefined) return 'its retention period';
  const hours = Math.round(seconds / 3_600);
  return hours > 48 && hours % 24 === 0 ? `${hours / 24} days` : `${hours} ${hours === 1 ? 'hour' : 'hours'}`;
}
