/**
 * The OpenAPI 3.1 document of a route table. Schemas come from the zod contracts that the pipeline parses with, so the
 * document cannot say anything else than the code does.
 */
import { z } from 'zod';
import { failureKinds } from '../../shared/core/failure.ts';
import { errorBody, problemBody } from '../../shared/contracts/common.ts';
import type { Route } from './define-route.ts';

export type OpenApiDocument = {
  readonly openapi: '3.1.0';
  readonly info: Readonly<Record<string, unknown>>;
  readonly servers: readonly unknown[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: Readonly<Record<string, unknown>>;
};
export type OpenApiOperation = {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly Readonly<Record<string, unknown>>[];
  readonly requestBody?: unknown;
  readonly responses: Readonly<Record<string, unknown>>;
  readonly 'x-host': Route['host'];
  readonly 'x-permission'?: string | null;
  /** What answers here at the other kind of host: OpenAPI has one operation a path and method. */
  readonly 'x-other-host'?: OpenApiOperation;
};

let made: { readonly routes: readonly Route[]; readonly document: OpenApiDocument } | undefined;

export function openApiDocument(routes: readonly Route[]): OpenApiDocument {
  if (made?.routes !== routes) made = { routes, document: build(routes) };
  return made.document;
}

function build(routes: readonly Route[]): OpenApiDocument {
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const route of routes) {
    const methods = (paths[route.path] ??= {});
    const method = route.method.toLowerCase();
    const first = methods[method];
    methods[method] = first ? { ...first, 'x-other-host': operation(route) } : operation(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Freehold',
      version: '0.1.0',
      description:
        "A multi-tenant AI agent platform. A tenant's API is at its own host; the operator's is at the platform's apex.",
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map((route) => route.tag))].map((name) => ({ name, description: `${name}.` })),
    paths,
    components: {
      securitySchemes: {
        tenantKey: {
          type: 'http',
          scheme: 'bearer',
          description: "A tenant's API key, a token of an issuer it registered, or a visitor's session.",
        },
        operatorToken: { type: 'http', scheme: 'bearer', description: "The operator's token." },
      },
      schemas: { Error: toJsonSchema(errorBody, 'output'), Problem: toJsonSchema(problemBody, 'output') },
    },
  };
}

function operation(route: Route): OpenApiOperation {
  const parameters = [
    ...parametersOf(route.params, 'path'),
    ...parametersOf(route.query, 'query'),
    ...(route.access === 'tenant' && route.idempotent
      ? [
          {
            name: 'Idempotency-Key',
            in: 'header',
            required: false,
            description: 'One execution for this key; its answer is replayed for a day.',
            schema: { type: 'string', minLength: 1, maxLength: 255 },
          },
        ]
      : []),
  ];
  const media = route.answer.media ?? 'application/json';
  return {
    operationId: route.operation,
    summary: route.summary,
    tags: [route.tag],
    security: securityOf(route),
    parameters,
    ...bodyOf(route),
    responses: {
      [route.answer.status]: {
        description: 'Done.',
        content: {
          [media]: { schema: route.answer.schema ? toJsonSchema(route.answer.schema, 'output') : { type: 'string' } },
          ...Object.fromEntries((route.answer.others ?? []).map((other) => [other, { schema: { type: 'string' } }])),
          ...(streams(route) ? { 'text/event-stream': { schema: { type: 'string' } } } : {}),
        },
      },
      ...(route.answer.revalidates ? { 304: { description: 'What you hold still stands.' } } : {}),
      ...failuresOf(route),
    },
    'x-host': route.host,
    ...(route.access === 'tenant' ? { 'x-permission': route.permission } : {}),
  };
}

function securityOf(route: Route): OpenApiOperation['security'] {
  if (route.access === 'tenant') return [{ tenantKey: [] }];
  return route.access === 'operator' ? [{ operatorToken: [] }] : [];
}

function bodyOf(route: Route): { requestBody?: unknown } {
  if (route.rawBody) {
    return { requestBody: { required: true, content: { [route.rawBody]: { schema: { type: 'string' } } } } };
  }
  if (!route.body) return {};
  const schema = toJsonSchema(route.body, 'input');
  const form = route.form ? { 'multipart/form-data': { schema: withFile(schema) } } : {};
  return { requestBody: { required: true, content: { 'application/json': { schema }, ...form } } };
}

/** In a form, the file is a part of its own. */
function withFile(schema: Record<string, unknown>): Record<string, unknown> {
  const file = { type: 'string', contentMediaType: 'application/octet-stream' };
  return { ...schema, properties: { ...(schema['properties'] as object), file } };
}

/** Which statuses a route can answer with, beside the good one. */
function failuresOf(route: Route): Record<string, unknown> {
  const statuses = new Set<number>([400, 404, 405, 431, 500, 503]);
  if (route.access !== 'public' || route.rawBody) for (const status of [401, 403]) statuses.add(status);
  if (route.body || route.rawBody) for (const status of [413, 415]) statuses.add(status);
  if (route.access === 'tenant' || route.access === 'operator') for (const status of [409, 429]) statuses.add(status);
  if (route.access === 'tenant' && route.idempotent) statuses.add(422);
  if (route.access === 'tenant' && route.permission === 'inference:invoke') statuses.add(502);
  return Object.fromEntries(
    [...statuses].sort().map((status) => [
      status,
      {
        description: describe(status),
        content: {
          'application/json': { schema: { $ref: '#/components/schemas/Error' } },
          ...(route.surface === 'native'
            ? { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } }
            : {}),
        },
      },
    ]),
  );
}

function describe(status: number): string {
  return Object.values(failureKinds).find((kind) => kind.status === status)?.message ?? 'An error.';
}

function streams(route: Route): boolean {
  return ['createChatCompletion', 'createCompletion', 'createResponse', 'retrieveResponse', 'listEvents'].includes(
    route.operation,
  );
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): Record<string, unknown>[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = toJsonSchema(schema, 'input') as {
    properties?: Record<string, Record<string, unknown>>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' });
  return rest;
}
