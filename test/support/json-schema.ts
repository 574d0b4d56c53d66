/**
 * The part of JSON Schema (2020-12) that zod writes: a validator that names the first violation, and arbitrary values
 * of a schema for fast-check. An unknown keyword throws, so nothing is passed over in silence.
 */
import fc from 'fast-check';

export type JsonSchema = { readonly [keyword: string]: unknown };
type Member = Readonly<Record<string, JsonSchema>>;

const Known = new Set(
  `$ref type enum const properties required additionalProperties propertyNames items prefixItems anyOf oneOf allOf minimum
   maximum exclusiveMinimum exclusiveMaximum minLength maxLength minItems maxItems pattern format default description writeOnly`.split(
    /\s+/,
  ),
);

export class SchemaReader {
  readonly #components: Member;

  constructor(components: Member) {
    this.#components = components;
  }

  /** Undefined where the value is valid. */
  findViolation(schema: JsonSchema, value: unknown, at = '$'): string | undefined {
    for (const keyword of Object.keys(schema))
      if (!Known.has(keyword)) throw new Error(`unknown keyword ${keyword} at ${at}`);
    if (typeof schema['$ref'] === 'string') return this.findViolation(this.#resolve(schema['$ref']), value, at);
    for (const check of [checkType, checkLiteral, checkNumber, checkString]) {
      const violation = check(schema, value);
      if (violation) return `${at}: ${violation}`;
    }
    return (
      this.#checkBranches(schema, value, at) ??
      this.#checkArray(schema, value, at) ??
      this.#checkObject(schema, value, at)
    );
  }

  arbitrary(schema: JsonSchema, depth = 0): fc.Arbitrary<unknown> {
    if (typeof schema['$ref'] === 'string') return this.arbitrary(this.#resolve(schema['$ref']), depth);
    if ('const' in schema) return fc.constant(schema['const']);
    if (Array.isArray(schema['enum'])) return fc.constantFrom(...schema['enum']);
    const branches = (schema['anyOf'] ?? schema['oneOf']) as JsonSchema[] | undefined;
    if (branches) return fc.oneof(...branches.map((branch) => this.arbitrary(branch, depth)));
    const {
      minimum = -1_000,
      maximum = 100_000,
      minItems = 0,
      maxItems = 3,
      minLength = 0,
      maxLength = 60,
    } = schema as Record<string, number>;
    switch (schema['type']) {
      case 'null':
        return fc.constant(null);
      case 'boolean':
        return fc.boolean();
      case 'integer':
        return fc.integer({ min: Math.max(minimum, -(2 ** 31)), max: Math.min(maximum, 2 ** 31 - 1) });
      case 'number':
        return fc.double({ min: minimum, max: maximum, noNaN: true });
      case 'string':
        if (schema['format'] === 'date-time')
          return fc.date({ noInvalidDate: true, min: new Date(0) }).map((date) => date.toISOString());
        if (typeof schema['pattern'] === 'string')
          return fc.stringMatching(new RegExp(schema['pattern'])).map((text) => text.slice(0, 200));
        return fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, minLength + 40) });
      case 'array': {
        if (Array.isArray(schema['prefixItems']))
          return fc.tuple(...(schema['prefixItems'] as JsonSchema[]).map((item) => this.arbitrary(item, depth + 1)));
        const item = this.arbitrary((schema['items'] ?? {}) as JsonSchema, depth + 1);
        return fc.array(item, {
          minLength: minItems,
          maxLength: Math.max(minItems, Math.min(maxItems, depth > 3 ? 1 : 3)),
        });
      }
      case 'object':
        return this.#arbitraryObject(schema, depth);
      default:
        return fc.jsonValue({ maxDepth: 2 });
    }
  }

  #arbitraryObject(schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
    const properties = (schema['properties'] ?? {}) as Member;
    const required = new Set((schema['required'] ?? []) as string[]);
    const members = Object.fromEntries(
      Object.entries(properties).map(([name, member]) => [name, this.arbitrary(member, depth + 1)]),
    );
    const known = fc.record(members, { requiredKeys: Object.keys(members).filter((name) => required.has(name)) });
    const extra = schema['additionalProperties'];
    if (typeof extra !== 'object' || extra === null) return known;
    const more = fc.dictionary(
      fc.string({ minLength: 1, maxLength: 10 }),
      this.arbitrary(extra as JsonSchema, depth + 1),
      { maxKeys: 2 },
    );
    return fc.tuple(known, more).map(([own, others]) => ({ ...others, ...(own as object) }));
  }

  #checkBranches(schema: JsonSchema, value: unknown, at: string): string | undefined {
    for (const every of (schema['allOf'] ?? []) as JsonSchema[]) {
      const violation = this.findViolation(every, value, at);
      if (violation) return violation;
    }
    const branches = (schema['anyOf'] ?? schema['oneOf']) as JsonSchema[] | undefined;
    if (!branches) return undefined;
    const violations = branches.map((branch) => this.findViolation(branch, value, at));
    return violations.every((violation) => violation !== undefined)
      ? `${at}: no branch fits (${violations.join(' | ')})`
      : undefined;
  }

  #checkArray(schema: JsonSchema, value: unknown, at: string): string | undefined {
    if (!Array.isArray(value)) return undefined;
    if (value.length < Number(schema['minItems'] ?? 0)) return `${at}: fewer than minItems`;
    if (value.length > Number(schema['maxItems'] ?? Number.POSITIVE_INFINITY)) return `${at}: more than maxItems`;
    const prefix = (schema['prefixItems'] ?? []) as JsonSchema[];
    for (const [index, item] of value.entries()) {
      const itemSchema = prefix[index] ?? (schema['items'] as JsonSchema | undefined);
      const violation = itemSchema && this.findViolation(itemSchema, item, `${at}[${index}]`);
      if (violation) return violation;
    }
    return undefined;
  }

  #checkObject(schema: JsonSchema, value: unknown, at: string): string | undefined {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const properties = (schema['properties'] ?? {}) as Member;
    const extra = schema['additionalProperties'];
    for (const name of (schema['required'] ?? []) as string[])
      if (!Object.hasOwn(value, name)) return `${at}: lacks ${name}`;
    for (const [name, member] of Object.entries(value)) {
      const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
      if (!own && extra === false) return `${at}: undeclared member ${name}`;
      const memberSchema = own ?? (typeof extra === 'object' ? (extra as JsonSchema) : undefined);
      const names = schema['propertyNames'] as JsonSchema | undefined;
      const named = names && this.findViolation(names, name, `${at}.{${name}}`);
      const violation = named ?? (memberSchema && this.findViolation(memberSchema, member, `${at}.${name}`));
      if (violation) return violation;
    }
    return undefined;
  }

  #resolve(ref: string): JsonSchema {
    const found = this.#components[ref.replace('#/components/schemas/', '')];
    if (!found) throw new Error(`no schema ${ref}`);
    return found;
  }
}

function checkType(schema: JsonSchema, value: unknown): string | undefined {
  if (schema['type'] === undefined) return undefined;
  const actual = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  const types = [schema['type']].flat() as string[];
  const fits = types.some((type) => type === actual || (type === 'integer' && Number.isInteger(value)));
  return fits ? undefined : `is ${actual}, not ${types.join('/')}`;
}

function checkLiteral(schema: JsonSchema, value: unknown): string | undefined {
  if ('const' in schema && schema['const'] !== value) return `is not ${JSON.stringify(schema['const'])}`;
  if (Array.isArray(schema['enum']) && !schema['enum'].includes(value))
    return `is none of ${JSON.stringify(schema['enum'])}`;
  return undefined;
}

function checkNumber(schema: JsonSchema, value: unknown): string | undefined {
  if (typeof value !== 'number') return undefined;
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema as Record<string, number | undefined>;
  if (minimum !== undefined && value < minimum) return 'is below the minimum';
  if (maximum !== undefined && value > maximum) return 'is above the maximum';
  if (exclusiveMinimum !== undefined && value <= exclusiveMinimum) return 'is not above the exclusive minimum';
  if (exclusiveMaximum !== undefined && value >= exclusiveMaximum) return 'is not below the exclusive maximum';
  return undefined;
}

function checkString(schema: JsonSchema, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (value.length < Number(schema['minLength'] ?? 0)) return 'is too short';
  if (value.length > Number(schema['maxLength'] ?? Number.POSITIVE_INFINITY)) return 'is too long';
  if (typeof schema['pattern'] === 'string' && !new RegExp(schema['pattern'], 'u').test(value))
    return 'does not match its pattern';
  return undefined;
}
