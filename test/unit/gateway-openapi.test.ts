/** The description of the HTTP API: it passes a public linter, and knows every code. */
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { addFormats } from '../gateway/contract.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/errors.ts';
import { SCOPES } from '../../src/gateway/caller.ts';
import { document } from '../../src/gateway/openapi.ts';
import type { App } from '../../src/gateway/bare-app.ts';
import { type Description, operationsOf } from '../gateway/contract.ts';
import { gatewayWithoutTemporal } from './gateway-stage.ts';

let app: App;
let description: Description;

beforeAll(async () => {
  app = await gatewayWithoutTemporal();
  await app.ready();
  description = document(app) as Description;
});
afterAll(() => app.close());

it('passes a public linter', async () => {
  // No licence has been chosen. `/v1/tasks/{id}` and `/v1/{workload}/tasks` could only meet in other methods.
  const rules = { 'info-license': 'off', 'no-ambiguous-paths': 'off' } as const;
  const config = await createConfig({ extends: ['recommended'], rules });
  const found = await lintFromString({ source: JSON.stringify(description), config });
  const told = found.map(({ ruleId, message, location }) => `${ruleId} at ${location[0]?.pointer}: ${message}`);
  expect(told).toEqual([]);
});

it('has every error code', () => {
  const code = description.components.schemas['Problem']?.properties?.['code'] as { enum: string[] };
  expect(code.enum.toSorted()).toEqual(Object.keys(ERRORS).toSorted());
});

describe('every operation', () => {
  it('has a name of its own, a summary, a tag, and an answer to every refusal', () => {
    const operations = operationsOf(description);
    expect(operations.length).toBeGreaterThan(10);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { operationId, summary, tags, responses } of operations) {
      expect({ operationId, summary, tags }).toEqual({
        operationId: expect.stringMatching(/^[a-z]+\w*$/),
        summary: expect.any(String),
        tags: [expect.any(String)],
      });
      for (const status of ['400', '404', '429', '500', '503']) expect(Object.keys(responses)).toContain(status);
    }
  });

  it('under /v1 takes one scope, and no other takes any', () => {
    for (const { path, security } of operationsOf(description)) {
      if (!path.startsWith('/v1/')) expect({ path, security }).toEqual({ path, security: [] });
      else
        expect(
          SCOPES.map((scope) => [{ bearer: [scope] }]),
          path,
        ).toContainEqual(security);
    }
  });
});

it('has names in snake case, but in tasks that are started and in outputs', () => {
  const camel = Object.entries(description.components.schemas)
    .filter(([, { properties = {} }]) => Object.keys(properties).some((name) => /[A-Z]/.test(name)))
    .map(([name]) => name);
  expect(camel).toContain('CommandOutput');
  expect(camel.filter((name) => !/(?:TaskInput|FieldsInput|Output)$/.test(name))).toEqual([]);
});

it('has only examples that its schemas accept', () => {
  const ajv = addFormats(new Ajv2020({ strict: false, allErrors: true }));
  ajv.addSchema({ $id: 'api', ...description });
  for (const [name, { examples = [] }] of Object.entries(description.components.schemas))
    for (const example of examples) {
      const valid = ajv.validate({ $ref: `api#/components/schemas/${name}` }, example);
      expect({ name, errors: valid ? [] : ajv.errors }).toEqual({ name, errors: [] });
    }
});
