/** The description of the API, made of the schemas that the routes check with. */
import swagger from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { App } from './bare-app.ts';
import type { Scope } from './caller.ts';

const TAGS = [
  { name: 'tasks', description: 'Start tasks and see them.' },
  { name: 'cancel', description: 'End tasks. Every cancel gets a true answer.' },
  { name: 'streams', description: 'Follow tasks while they live, as Server-Sent Events.' },
  { name: 'service', description: 'The gateway itself. No key is needed.' },
];

export function describe(app: App, version: string): void {
  void app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Holdfast',
        version,
        description: 'Runs tasks as Kubernetes Jobs, durably, on Temporal. Cancelled means cancelled.',
      },
      servers: [{ url: '/' }],
      tags: TAGS,
      security: [{ bearer: [] }],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'An API key, or a token of the OpenID Connect issuer.',
          },
        },
      },
    },
    transform: (given) => withScope(jsonSchemaTransform(given), given.route.config?.scope),
    transformObject: jsonSchemaTransformObject,
  });
}

function withScope(described: ReturnType<typeof jsonSchemaTransform>, scope: Scope | undefined) {
  return scope === undefined
    ? described
    : { ...described, schema: { ...described.schema, security: [{ bearer: [scope] }] } };
}

/** The document without the components that nobody refers to: each schema is listed as input and as output. */
export function document(app: App): object {
  const whole = app.swagger() as { components?: { schemas?: Record<string, unknown> } };
  const schemas = { ...whole.components?.schemas };
  for (let before = -1; before !== Object.keys(schemas).length;) {
    before = Object.keys(schemas).length;
    const text = JSON.stringify({ ...whole, components: { schemas } });
    for (const name of Object.keys(schemas)) if (!text.includes(`"#/components/schemas/${name}"`)) delete schemas[name];
  }
  return { ...whole, components: { ...whole.components, schemas } };
}
