/** The API's own description, as a judge of its answers. */
import type { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

export interface Schema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly examples?: readonly unknown[];
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security?: readonly unknown[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: object }>> }>>;
}

export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export type Placed = Operation & { readonly path: string; readonly method: string };

export function operationsOf({ paths }: Description): readonly Placed[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method })),
  );
}

export function addFormats(ajv: Ajv2020): Ajv2020 {
  // The package's types know its CommonJS shape only.
  (formats as unknown as (ajv: Ajv2020) => void)(ajv);
  return ajv;
}
