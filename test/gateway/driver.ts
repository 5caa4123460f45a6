/** Calls operations by their names, and refuses every answer that the API's own description does not allow. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { App } from '../../src/gateway/bare-app.ts';
import { document } from '../../src/gateway/openapi.ts';
import { addFormats, type Description, operationsOf, type Placed } from './contract.ts';

export interface Call {
  /** Parts of the path by name. */
  readonly at?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  // What a body is, is what the description has checked.
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

export class Driver {
  readonly #app: App;
  readonly #operations: ReadonlyMap<string, Placed>;
  readonly #driven = new Set<string>();
  readonly #ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));

  private constructor(app: App, description: Description) {
    this.#app = app;
    this.#operations = new Map(operationsOf(description).map((operation) => [operation.operationId, operation]));
    this.#ajv.addSchema({ $id: 'api', ...description });
  }

  static async of(app: App): Promise<Driver> {
    await app.ready();
    return new Driver(app, document(app) as Description);
  }

  /** Operations that nobody has called. */
  get undriven(): readonly string[] {
    return [...this.#operations.keys()].filter((name) => !this.#driven.has(name));
  }

  async call(operationId: string, { at = {}, query = {}, body, headers = {} }: Call = {}): Promise<Answer> {
    const operation = this.#operations.get(operationId);
    if (operation === undefined) throw new TypeError(`there is no operation ${operationId}`);
    this.#driven.add(operationId);
    const url = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(at[name] ?? ''));
    const answer = await this.#app.inject({
      method: operation.method.toUpperCase() as 'GET' | 'POST',
      url,
      query: query as Record<string, string | string[]>,
      headers,
      ...(body !== undefined && { payload: body as object }),
    });
    const type = String(answer.headers['content-type']).split(';')[0] ?? '';
    const parsed: unknown = /^application\/(problem\+)?json$/.test(type) ? answer.json() : answer.body;
    this.#check(operation, answer.statusCode, type, parsed);
    return {
      status: answer.statusCode,
      body: parsed as Answer['body'],
      text: answer.body,
      headers: answer.headers,
    };
  }

  #check({ operationId, path, method, responses }: Placed, status: number, type: string, body: unknown): void {
    const content = responses[status]?.content;
    if (status === 204 && responses[status] !== undefined) return;
    if (content?.[type] === undefined)
      throw new Error(`${operationId} answered ${status} ${type}, which is not described`);
    const at = ['paths', path, method, 'responses', String(status), 'content', type, 'schema'].map(pointer).join('/');
    if (this.#ajv.validate({ $ref: `api#/${at}` }, body)) return;
    throw new Error(`${operationId} answered ${status} otherwise than described: ${this.#ajv.errorsText()}`);
  }
}

function pointer(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}
