/**
 * Checks what goes into a vector index against VectorLimits, the same for every implementation.
 * Pure. A refusal is `invalid_request` and names the field; nothing is cut or repaired silently.
 */
import { err, ok, type Err, type Result } from '../core/result.ts';
import { VectorLimits, type VectorFilter, type VectorQueryOptions, type VectorRecord } from './vector-index.ts';

export function validateVectors(vectors: readonly VectorRecord[]): Result<undefined> {
  if (!isCountWithin(vectors, VectorLimits.maxVectorsPerCall)) {
    return refuse('vectors', `A call takes 1 to ${VectorLimits.maxVectorsPerCall} vectors.`);
  }
  const dimensions = vectors[0]?.values.length;
  for (const [at, vector] of vectors.entries()) {
    const problem = findVectorProblem(vector, `vectors.${at}`);
    if (problem) return problem;
    if (vector.values.length !== dimensions) {
      return refuse(`vectors.${at}.values`, 'All vectors of a call have the same number of dimensions.');
    }
  }
  return ok();
}

export function validateIds(ids: readonly string[]): Result<undefined> {
  if (!isCountWithin(ids, VectorLimits.maxIdsPerCall)) {
    return refuse('ids', `A call takes 1 to ${VectorLimits.maxIdsPerCall} ids.`);
  }
  for (const [at, id] of ids.entries()) {
    if (!isNameWithin(id, VectorLimits.maxIdBytes)) return refuse(`ids.${at}`, idRule);
  }
  return ok();
}

/** `filterable` are the members that a filter may name; without, all. */
export function validateQuery(
  values: Float32Array | readonly number[],
  options: VectorQueryOptions,
  filterable?: readonly string[],
): Result<undefined> {
  const problem = findValuesProblem(values, 'vector');
  if (problem) return problem;
  const hasPayload = options.returnValues === true || options.returnMetadata === 'all' || options.returnText === true;
  const maxTopK = hasPayload ? VectorLimits.maxTopKWithPayload : VectorLimits.maxTopK;
  const topK = options.topK ?? VectorLimits.defaultTopK;
  if (!Number.isInteger(topK) || topK < 1 || topK > maxTopK) {
    return refuse(
      'topK',
      `topK is a whole number from 1 to ${maxTopK}${hasPayload ? ' with values, metadata or text' : ''}.`,
    );
  }
  if (options.namespace !== undefined && !isNameWithin(options.namespace, VectorLimits.maxNamespaceBytes)) {
    return refuse('namespace', namespaceRule);
  }
  return options.filter === undefined ? ok() : validateFilter(options.filter, filterable);
}

export function validateFilter(filter: VectorFilter, filterable?: readonly string[]): Result<undefined> {
  if (!isPlainObject(filter) || Object.keys(filter).length === 0) {
    return refuse('filter', 'A filter is an object with at least one member.');
  }
  for (const [key, condition] of Object.entries(filter)) {
    if (!isMetadataKey(key)) return refuse('filter', keyRule);
    if (filterable && !filterable.includes(key)) {
      return refuse(`filter.${key}`, `This index can be filtered by ${filterable.join(', ')}.`);
    }
    const problem = isScalar(condition) ? findScalarProblem(condition, key) : findComparisonProblem(condition, key);
    if (problem) return problem;
  }
  if (byteLength(JSON.stringify(filter)) > VectorLimits.maxFilterBytes) {
    return refuse('filter', `A filter has at most ${VectorLimits.maxFilterBytes} bytes of JSON.`);
  }
  return ok();
}

const idRule = `An id has 1 to ${VectorLimits.maxIdBytes} bytes.`;
const namespaceRule = `A namespace has 1 to ${VectorLimits.maxNamespaceBytes} bytes.`;
const keyRule = `A metadata key has 1 to ${VectorLimits.maxMetadataKeyChars} characters, no quote, bar or dot, and no $ in front.`;

function findVectorProblem(vector: VectorRecord, param: string): Err | undefined {
  if (!isNameWithin(vector.id, VectorLimits.maxIdBytes)) return refuse(`${param}.id`, idRule);
  if (vector.namespace !== undefined && !isNameWithin(vector.namespace, VectorLimits.maxNamespaceBytes)) {
    return refuse(`${param}.namespace`, namespaceRule);
  }
  return (
    findValuesProblem(vector.values, `${param}.values`) ?? findMetadataProblem(vector.metadata, `${param}.metadata`)
  );
}

function findValuesProblem(values: Float32Array | readonly number[], param: string): Err | undefined {
  if (!Array.isArray(values) && !(values instanceof Float32Array))
    return refuse(param, 'A vector is an array of numbers.');
  if (values.length < 1 || values.length > VectorLimits.maxDimensions) {
    return refuse(param, `A vector has 1 to ${VectorLimits.maxDimensions} dimensions.`);
  }
  for (let at = 0; at < values.length; at++) {
    // Math.fround, because a number beyond float32 would be stored as Infinity.
    if (typeof values[at] !== 'number' || !Number.isFinite(Math.fround(values[at]!))) {
      return refuse(param, 'A vector holds finite 32-bit numbers only.');
    }
  }
  return undefined;
}

function findMetadataProblem(metadata: unknown, param: string): Err | undefined {
  if (metadata === undefined) return undefined;
  if (!isPlainObject(metadata)) return refuse(param, 'Metadata is an object.');
  for (const [key, value] of Object.entries(metadata)) {
    if (!isMetadataKey(key)) return refuse(param, keyRule);
    if (!isScalar(value) && !isListOfStrings(value)) {
      return refuse(param, 'Metadata values are strings, finite numbers, booleans and lists of strings.');
    }
    if (key === 'time' && typeof value !== 'number') return refuse(param, 'The metadata member time is a number.');
  }
  if (byteLength(JSON.stringify(metadata)) > VectorLimits.maxMetadataBytes) {
    return refuse(param, `Metadata has at most ${VectorLimits.maxMetadataBytes} bytes of JSON.`);
  }
  return undefined;
}

function findComparisonProblem(comparison: unknown, key: string): Err | undefined {
  if (!isPlainObject(comparison) || Object.keys(comparison).length === 0) {
    return refuse(`filter.${key}`, 'A condition is a value or an object of operators.');
  }
  const operators = Object.keys(comparison);
  // Vectorize lets only an upper and a lower bound stand together.
  if (operators.length > 1 && !isRange(operators)) {
    return refuse(`filter.${key}`, 'Only one lower and one upper bound can stand together.');
  }
  for (const [operator, operand] of Object.entries(comparison)) {
    const problem = findOperandProblem(operator, operand, key);
    if (problem) return problem;
  }
  return undefined;
}

function isRange(operators: readonly string[]): boolean {
  const lower = operators.filter((operator) => operator === '$gt' || operator === '$gte').length;
  const upper = operators.filter((operator) => operator === '$lt' || operator === '$lte').length;
  return operators.length === 2 && lower === 1 && upper === 1;
}

function findOperandProblem(operator: string, operand: unknown, key: string): Err | undefined {
  switch (operator) {
    case '$eq':
    case '$ne':
      return isScalar(operand)
        ? findScalarProblem(operand, key)
        : refuse(`filter.${key}`, `${operator} takes one value.`);
    case '$in':
    case '$nin': {
      if (!Array.isArray(operand) || operand.length === 0 || !operand.every(isScalar)) {
        return refuse(`filter.${key}`, `${operator} takes a list of values.`);
      }
      return operand.map((value) => findScalarProblem(value, key)).find((problem) => problem !== undefined);
    }
    case '$lt':
    case '$lte':
    case '$gt':
    case '$gte':
      return typeof operand === 'number' && Number.isFinite(operand)
        ? undefined
        : refuse(`filter.${key}`, `${operator} takes a number.`);
    default:
      return refuse(`filter.${key}`, 'The operators are $eq, $ne, $in, $nin, $lt, $lte, $gt and $gte.');
  }
}

function findScalarProblem(value: string | number | boolean, key: string): Err | undefined {
  return typeof value === 'string' && byteLength(value) > VectorLimits.maxFilterStringBytes
    ? refuse(`filter.${key}`, `A filter's string has at most ${VectorLimits.maxFilterStringBytes} bytes.`)
    : undefined;
}

function isCountWithin(list: readonly unknown[], max: number): boolean {
  return Array.isArray(list) && list.length >= 1 && list.length <= max;
}

function isNameWithin(name: unknown, maxBytes: number): boolean {
  return typeof name === 'string' && name.length > 0 && name.isWellFormed() && byteLength(name) <= maxBytes;
}

function isMetadataKey(key: string): boolean {
  return (
    key.length >= 1 && key.length <= VectorLimits.maxMetadataKeyChars && !key.startsWith('$') && !/["|.]/.test(key)
  );
}

function isScalar(value: unknown): value is string | number | boolean {
  return (
    typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))
  );
}

function isListOfStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((part) => typeof part === 'string' && part.isWellFormed());
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const encoder = new TextEncoder();
function byteLength(text: string): number {
  return encoder.encode(text).byteLength;
}

function refuse(param: string, message: string): Err {
  return err('invalid_request', message, { param });
}
