/**
 * From an OpenAPI 3 document to tools: one `http` tool an operation. References are resolved inside the document alone, so a
 * version of an agent never changes because a document elsewhere did. What cannot be expressed is refused by name.
 */
import { err, ok, type Result } from '../core/result.ts';
import type { AgentDefinition } from '../contracts/agents.ts';
import { agentTools, httpTool, MaxTools, type AgentTool, type HttpTool, type OpenapiTool } from '../contracts/tools.ts';

type Json = Readonly<Record<string, unknown>>;

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
const MaxDepth = 24;
/** Of everything that references have been replaced by: a small document can name itself a million times. */
const MaxNodes = 20_000;

class Unusable extends Error {}

/** Where a tool of a definition leads, if anywhere: arguments (`{id}`) stand in its path and query, never in its host. */
export function addressOf(tool: AgentTool): { readonly name: string; readonly url: string } | undefined {
  if (tool.type === 'mcp') return { name: tool.server_label, url: tool.server_url };
  return tool.type === 'http' ? { name: tool.name, url: tool.url.replaceAll(/\{[^{}]*\}/g, 'x') } : undefined;
}

/** A definition as its version keeps it: every document has become tools. */
export function expandDefinition(definition: AgentDefinition): Result<AgentDefinition> {
  if (!definition.tools.some((tool) => tool.type === 'openapi')) return ok(definition);
  const tools: AgentTool[] = [];
  for (const [at, tool] of definition.tools.entries()) {
    if (tool.type !== 'openapi') {
      tools.push(tool);
      continue;
    }
    const expanded = expandDocument(tool);
    if (!expanded.ok)
      return err('invalid_request', expanded.failure.message, { param: `definition.tools.${at}.document` });
    tools.push(...expanded.value);
  }
  const checked = agentTools.safeParse(tools);
  if (checked.success) return ok({ ...definition, tools: checked.data });
  const [issue] = checked.error.issues;
  return err('invalid_request', `The tools of the document cannot be used: ${issue?.message ?? 'unknown'}.`, {
    param: 'definition.tools',
  });
}

export function expandDocument(tool: OpenapiTool): Result<HttpTool[]> {
  try {
    return ok(readDocument(tool));
  } catch (error) {
    if (error instanceof Unusable) return err('invalid_request', `The OpenAPI document ${error.message}.`);
    throw error;
  }
}

function readDocument(tool: OpenapiTool): HttpTool[] {
  const { document } = tool;
  if (typeof document['openapi'] !== 'string' || !document['openapi'].startsWith('3.'))
    throw new Unusable('is not of version 3');
  const server = firstOf(document['servers']);
  const base = typeof server?.['url'] === 'string' ? server['url'] : '';
  if (!/^https?:\/\/[^{}]+$/.test(base))
    throw new Unusable('must name its server by a whole address in servers[0].url');
  const resolver = new Resolver(document);
  const made: HttpTool[] = [];
  for (const [path, found] of Object.entries(asObject(document['paths']) ?? {})) {
    const item = asObject(resolver.resolve(found)) ?? {};
    for (const method of methods) {
      const operation = asObject(item[method]);
      if (!operation) continue;
      const name = nameOf(operation, method, path);
      if (tool.operations !== null && !tool.operations.includes(name)) continue;
      made.push(toTool(tool, resolver, { name, method, address: base.replace(/\/$/, '') + path, item, operation }));
      if (made.length > MaxTools)
        throw new Unusable(`has more than ${MaxTools} operations; choose some by "operations"`);
    }
  }
  const missing = tool.operations?.find((name) => !made.some((each) => each.name === name));
  if (missing !== undefined) throw new Unusable(`has no operation "${missing}"`);
  if (made.length === 0) throw new Unusable('has no operations');
  return made;
}

type Operation = {
  readonly name: string;
  readonly method: (typeof methods)[number];
  readonly address: string;
  readonly item: Json;
  readonly operation: Json;
};

function toTool(
  tool: OpenapiTool,
  resolver: Resolver,
  { name, method, address, item, operation }: Operation,
): HttpTool {
  const properties: Record<string, unknown> = {};
  const required: string[] = [];
  const query: string[] = [];
  const add = (key: string, schema: unknown, isRequired: boolean) => {
    if (Object.hasOwn(properties, key)) throw new Unusable(`names "${key}" twice in ${name}`);
    properties[key] = schema ?? {};
    if (isRequired) required.push(key);
  };
  for (const parameter of [...listOf(item['parameters']), ...listOf(operation['parameters'])]) {
    const { name: key, in: place, schema, required: needed, description } = asObject(resolver.resolve(parameter)) ?? {};
    if (typeof key !== 'string') throw new Unusable(`has a parameter without a name in ${name}`);
    if (place === 'path' || place === 'query') {
      const resolved = asObject(resolver.resolve(schema)) ?? {};
      add(
        key,
        description === undefined ? resolved : { description, ...resolved },
        place === 'path' || needed === true,
      );
      if (place === 'query') query.push(key);
    } else if (needed === true) throw new Unusable(`needs the ${String(place)} parameter "${key}" in ${name}`);
  }
  const body = asObject(resolver.resolve(operation['requestBody']));
  if (body) {
    const media = asObject(asObject(body['content'])?.['application/json']);
    const schema = asObject(resolver.resolve(media?.['schema']));
    if (!schema || (schema['type'] ?? 'object') !== 'object')
      throw new Unusable(`wants a body in ${name} that is no JSON object`);
    for (const [key, each] of Object.entries(asObject(schema['properties']) ?? {}))
      add(key, each, body['required'] === true && listOf(schema['required']).includes(key));
  }
  const parsed = httpTool.safeParse({
    type: 'http',
    name,
    description: textOf(operation['summary'] ?? operation['description']),
    parameters: { type: 'object', properties, required, additionalProperties: false },
    method: method.toUpperCase(),
    url: address,
    query: method === 'get' || method === 'delete' ? [] : query,
    credential: tool.credential,
    // What only reads has no effect to approve.
    approval: method === 'get' ? 'never' : tool.approval,
    requires: tool.requires,
    timeout_seconds: tool.timeout_seconds,
  });
  if (!parsed.success) throw new Unusable(`cannot be used in ${name}: ${parsed.error.issues[0]?.message ?? ''}`);
  return parsed.data;
}

/** Replaces references by what they name; what names itself is refused. */
class Resolver {
  readonly #document: Json;
  #nodes = 0;

  constructor(document: Json) {
    this.#document = document;
  }

  resolve(value: unknown, depth = 0): unknown {
    if (depth > MaxDepth) throw new Unusable('refers to itself, or is nested too deep');
    if (++this.#nodes > MaxNodes) throw new Unusable('becomes too large once its references are resolved');
    if (Array.isArray(value)) return value.map((each) => this.resolve(each, depth + 1));
    const object = asObject(value);
    if (!object) return value;
    const reference = object['$ref'];
    if (typeof reference === 'string') return this.resolve(this.#find(reference), depth + 1);
    return Object.fromEntries(Object.entries(object).map(([key, each]) => [key, this.resolve(each, depth + 1)]));
  }

  #find(reference: string): unknown {
    if (!reference.startsWith('#/')) throw new Unusable(`refers to "${reference.slice(0, 100)}", outside of itself`);
    let found: unknown = this.#document;
    for (const part of reference.slice(2).split('/')) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const object = asObject(found);
      if (!object || !Object.hasOwn(object, key))
        throw new Unusable(`refers to "${reference.slice(0, 100)}", which is not there`);
      found = object[key];
    }
    return found;
  }
}

function nameOf(operation: Json, method: string, path: string): string {
  const own = operation['operationId'];
  const text = typeof own === 'string' ? own : `${method}_${path}`;
  return text
    .replaceAll(/[^a-zA-Z0-9_-]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, 64);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 2_000) : '';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function firstOf(value: unknown): Json | undefined {
  return asObject(listOf(value)[0]);
}

function asObject(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
