/**
 * API keys, as hashes: whoever reads the file learns no key. A key is long and random, so one round of SHA-256 is
 * enough, and a look-up by the hash tells nobody anything about the time it took.
 *
 *     { "keys": [{ "id": "ci", "sha256": "…64 hex digits…", "tenant": "team-a", "scopes": ["start", "read", "cancel"] }] }
 */
import { createHash } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { z } from 'zod';
import { HoldfastError } from '../../errors.ts';
import { fieldOf } from '../../schemas/sentences.ts';
import { type Caller, SCOPES } from '../caller.ts';

/** Milliseconds between two looks at the file: a mounted Secret changes by a link, which no watch of ours is told. */
const LOOK_MS = 2_000;

const name = z.string().regex(/^[\w.@-]{1,100}$/, 'must be 1 to 100 letters, digits, _, -, . and @');
const keysFile = z.strictObject({
  keys: z.array(
    z.strictObject({
      id: name,
      sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits in lower case'),
      tenant: name,
      scopes: z.array(z.enum(SCOPES)),
    }),
  ),
});

export class ApiKeys {
  readonly #path: string;
  readonly #onReload: (error: HoldfastError | undefined) => void;
  #callers: ReadonlyMap<string, Caller>;
  readonly #reload = () => this.reload();

  /** @throws HoldfastError CONFIG_INVALID if the file cannot be used now; later it stays with what it had. */
  constructor(path: string, onReload: (error: HoldfastError | undefined) => void) {
    this.#path = path;
    this.#onReload = onReload;
    this.#callers = readKeys(path);
  }

  /** Reads the file again when it changes, and at SIGHUP. */
  watch(): void {
    watchFile(this.#path, { interval: LOOK_MS, persistent: false }, this.#reload);
    process.on('SIGHUP', this.#reload);
  }

  unwatch(): void {
    unwatchFile(this.#path, this.#reload);
    process.off('SIGHUP', this.#reload);
  }

  reload(): void {
    try {
      this.#callers = readKeys(this.#path);
      this.#onReload(undefined);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#onReload(error);
    }
  }

  callerOf(key: string): Caller | undefined {
    return this.#callers.get(hashOf(key));
  }
}

export function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

function readKeys(path: string): ReadonlyMap<string, Caller> {
  const parsed = keysFile.safeParse(contentOf(path));
  if (!parsed.success) {
    // The issues name places and rules; what stands in the file is not repeated.
    const wrong = parsed.error.issues.map((issue) => `${fieldOf(issue.path)} ${issue.message}`).join('; ');
    throw unusable(`${path} is not a file of keys: ${wrong}.`);
  }
  const { keys } = parsed.data;
  return new Map(keys.map(({ id, sha256, tenant, scopes }) => [sha256, { name: `key:${id}`, tenant, scopes }]));
}

function contentOf(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
    throw unusable(`${path} ${why}.`, cause);
  }
}

function unusable(message: string, cause?: unknown): HoldfastError {
  const field = 'HOLDFAST_GATEWAY_KEYS';
  return new HoldfastError('CONFIG_INVALID', `${field}: ${message}`, { problems: [{ field, message }] }, { cause });
}
