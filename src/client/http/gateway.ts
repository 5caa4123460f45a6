/** Requests to a gateway: who asks, how long an answer may take, what is asked again, and what a refusal means. */
import { ERRORS, HoldfastError } from '../../errors.ts';
import { pause } from '../pause.ts';
import { refusalOf, silenceOf } from './refusal.ts';

export interface HttpClientOptions {
  /** Of the gateway, e.g. `https://holdfast.example.com`; whatever path it has stands before `/v1`. */
  readonly url: string;
  /** API key, or token of the gateway's issuer. A function is asked before each request, so that a token can be renewed. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
}

export interface Ask {
  readonly method?: 'GET' | 'POST';
  /** Below the URL of the gateway, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Asked twice it does what it does when asked once. What only reads is. */
  readonly repeatable?: boolean;
  /** Longest time until the answer. Milliseconds. */
  readonly within?: number;
}

/** Milliseconds. */
const WITHIN = 30_000;
const ATTEMPTS = 5;
/** Before the second attempt; doubled before each further one. Milliseconds. */
const FIRST_PAUSE = 250;
/** Whoever is told to wait longer than this hears of the refusal instead. Seconds. */
const LONGEST_PAUSE = 60;

export class Gateway {
  readonly #options: HttpClientOptions;
  readonly #url: string;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    const { origin, pathname } = new URL(options.url);
    this.#url = `${origin}${pathname}`.replace(/\/+$/, '');
  }

  /** @throws HoldfastError what the gateway refuses; GATEWAY_UNREACHABLE */
  async json<T>(ask: Ask): Promise<T> {
    return this.#insist(ask, async (answer) => (await answer.json()) as T);
  }

  /** What the answer's body says is read as it comes; undefined if nothing will. The limit is for its beginning. */
  async stream(ask: Ask): Promise<ReadableStream<Uint8Array> | undefined> {
    return this.#insist(ask, async ({ body }) => body ?? undefined);
  }

  async #insist<T>(ask: Ask, read: (answer: Response) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(ask, read);
      } catch (error) {
        const ms = pauseAfter(error, attempt, ask);
        if (ms === undefined) throw error;
        await pause(ms, ask.signal);
      }
    }
  }

  async #once<T>(ask: Ask, read: (answer: Response) => Promise<T>): Promise<T> {
    const { method = 'GET', path, query = {}, body, signal, within = WITHIN } = ask;
    const url = `${this.#url}${path}`;
    const search = new URLSearchParams(query).toString();
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new Error(`no answer within ${within / 1_000} s`)), within);
    try {
      const answer = await (this.#options.fetch ?? fetch)(search === '' ? url : `${url}?${search}`, {
        method,
        headers: { ...(await this.#identity()), ...(body !== undefined && JSON_BODY), ...ask.headers },
        signal: signal ? AbortSignal.any([signal, limit.signal]) : limit.signal,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      if (!answer.ok) throw await refusalOf(answer, this.#url);
      return await read(answer);
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof HoldfastError ? error : silenceOf(error, this.#url);
    } finally {
      clearTimeout(timer);
    }
  }

  async #identity(): Promise<Readonly<Record<string, string>>> {
    const { token } = this.#options;
    const given = typeof token === 'function' ? await token() : token;
    return given === undefined ? {} : { authorization: `Bearer ${given}` };
  }
}

const JSON_BODY = { 'content-type': 'application/json' };

/** Milliseconds until it is asked again; undefined if it is not. A request that is refused with 429 has done nothing. */
function pauseAfter(error: unknown, attempt: number, { method = 'GET', repeatable = method === 'GET' }: Ask) {
  if (!(error instanceof HoldfastError) || attempt >= ATTEMPTS) return undefined;
  const { kind, http } = ERRORS[error.code];
  const isPassing = kind === 'retryable' && (http === 429 || (http === 503 && repeatable));
  const told = error.facts['retryAfterSeconds'];
  if (!isPassing || (typeof told === 'number' && told > LONGEST_PAUSE)) return undefined;
  return typeof told === 'number' ? told * 1_000 : FIRST_PAUSE * 2 ** (attempt - 1);
}
