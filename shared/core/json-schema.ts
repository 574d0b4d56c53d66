/**
 * Whether something is a JSON Schema that a tool may be declared by: every keyword of the right form, references local and
 * there, bounded in size and depth, and no pattern whose matching can take exponential time. Pure; it validates no data.
 */
export type JsonSchema = { readonly [keyword: string]: unknown };

export const MaxSchemaChars = 64 * 1024;
const MaxSchemaDepth = 32;
const MaxPatternChars = 300;

const types = ['null', 'boolean', 'object', 'array', 'number', 'integer', 'string'];
const schemas = [
  'items',
  'additionalItems',
  'contains',
  'additionalProperties',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
  'unevaluatedItems',
  'unevaluatedProperties',
];
const schemaLists = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const schemaMaps = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'];
const counts = [
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'minContains',
  'maxContains',
];
const numbers = ['minimum', 'maximum', 'multipleOf'];

/** What is wrong with it, or undefined. */
export function findSchemaFault(schema: unknown): string | undefined {
  let text: string;
  try {
    text = JSON.stringify(schema) ?? '';
  } catch {
    return 'is no JSON';
  }
  if (text.length > MaxSchemaChars) return `is larger than ${MaxSchemaChars} characters`;
  return findFault(schema, schema, '#', 0);
}

function findFault(root: unknown, schema: unknown, at: string, depth: number): string | undefined {
  if (typeof schema === 'boolean') return undefined;
  if (!isObject(schema)) return `${at} is no schema: a schema is an object or a boolean`;
  if (depth > MaxSchemaDepth) return `is nested deeper than ${MaxSchemaDepth} levels`;
  const inner = (value: unknown, place: string) => findFault(root, value, `${at}/${place}`, depth + 1);
  for (const [keyword, value] of Object.entries(schema)) {
    const fault = findKeywordFault(root, keyword, value, inner);
    if (fault !== undefined)
      return fault.startsWith('#') || fault.startsWith('is ') ? fault : `${at}/${keyword} ${fault}`;
  }
  return undefined;
}

function findKeywordFault(
  root: unknown,
  keyword: string,
  value: unknown,
  inner: (value: unknown, place: string) => string | undefined,
): string | undefined {
  if (keyword === 'items' && Array.isArray(value)) return first(value.map((each, at) => inner(each, `items/${at}`)));
  if (schemas.includes(keyword)) return inner(value, keyword);
  if (schemaLists.includes(keyword)) {
    if (!Array.isArray(value) || value.length === 0) return 'must be a list of schemas';
    return first(value.map((each, at) => inner(each, `${keyword}/${at}`)));
  }
  if (schemaMaps.includes(keyword)) {
    if (!isObject(value)) return 'must be an object of schemas';
    const pattern = keyword === 'patternProperties' ? first(Object.keys(value).map(findPatternFault)) : undefined;
    return pattern ?? first(Object.entries(value).map(([name, each]) => inner(each, `${keyword}/${name}`)));
  }
  if (counts.includes(keyword))
    return Number.isInteger(value) && Number(value) >= 0 ? undefined : 'must be a whole number';
  if (numbers.includes(keyword)) return typeof value === 'number' ? undefined : 'must be a number';
  switch (keyword) {
    case 'type': {
      const named = Array.isArray(value) ? value : [value];
      return named.length > 0 && named.every((each) => types.includes(each as string))
        ? undefined
        : `must be one of ${types.join(', ')}`;
    }
    case 'required':
      return Array.isArray(value) && value.every((each) => typeof each === 'string')
        ? undefined
        : 'must be a list of names';
    case 'enum':
      return Array.isArray(value) && value.length > 0 ? undefined : 'must be a list of values';
    case 'pattern':
      return findPatternFault(value);
    case '$ref':
      return findReferenceFault(root, value);
    case '$dynamicRef':
    case '$recursiveRef':
      return 'is not supported';
    default:
      return undefined;
  }
}

/** A repeated group that holds a repetition or a choice may backtrack for ever. */
function findPatternFault(pattern: unknown): string | undefined {
  if (typeof pattern !== 'string' || pattern.length > MaxPatternChars)
    return `must be a pattern of at most ${MaxPatternChars} characters`;
  try {
    new RegExp(pattern, 'u');
  } catch {
    return 'is no regular expression';
  }
  const bare = pattern.replaceAll(/\\./g, '_').replaceAll(/\[[^\]]*\]/g, '_');
  for (let at = bare.indexOf(')'); at >= 0; at = bare.indexOf(')', at + 1)) {
    if (!/[*+{]/.test(bare[at + 1] ?? '')) continue;
    const group = bare.slice(0, at);
    if (/[*+{|]/.test(group.slice(group.indexOf('(')))) return 'repeats a group that repeats or chooses itself';
  }
  return /\\[1-9k]/.test(pattern) ? 'refers back to a group' : undefined;
}

function findReferenceFault(root: unknown, value: unknown): string | undefined {
  if (typeof value !== 'string' || !value.startsWith('#')) return 'must refer to a place in the same schema';
  if (value === '#') return undefined;
  if (!value.startsWith('#/')) return 'must be a JSON Pointer';
  let found: unknown = root;
  for (const part of value.slice(2).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name))
      return `refers to ${value}, which is not there`;
    found = (found as Record<string, unknown>)[name];
  }
  return undefined;
}

function first(faults: readonly (string | undefined)[]): string | undefined {
  return faults.find((fault) => fault !== undefined);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
