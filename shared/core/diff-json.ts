/**
 * How one JSON value becomes another: operations of JSON Patch (RFC 6902) that may be applied in order, each with what was
 * there before. Lists are compared place by place.
 */
import { canonicalJson, type Json } from './canonical-json.ts';

export type JsonChange =
  | { readonly op: 'add'; readonly path: string; readonly after: Json }
  | { readonly op: 'remove'; readonly path: string; readonly before: Json }
  | { readonly op: 'replace'; readonly path: string; readonly before: Json; readonly after: Json };

type JsonObject = { readonly [key: string]: Json | undefined };

export function diffJson(before: Json, after: Json, path = ''): JsonChange[] {
  if (isList(before) && isList(after)) return diffLists(before, after, path);
  if (isObject(before) && isObject(after)) return diffObjects(before, after, path);
  return canonicalJson(before) === canonicalJson(after) ? [] : [{ op: 'replace', path, before, after }];
}

function diffLists(before: readonly Json[], after: readonly Json[], path: string): JsonChange[] {
  const shared = Math.min(before.length, after.length);
  return [
    ...before.slice(0, shared).flatMap((each, at) => diffJson(each, after[at]!, `${path}/${at}`)),
    // From the end, so that no place moves before its turn.
    ...before
      .slice(shared)
      .map((each, at) => ({ op: 'remove' as const, path: `${path}/${shared + at}`, before: each }))
      .toReversed(),
    ...after.slice(shared).map((each, at) => ({ op: 'add' as const, path: `${path}/${shared + at}`, after: each })),
  ];
}

function diffObjects(before: JsonObject, after: JsonObject, path: string): JsonChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return names.flatMap((name): JsonChange[] => {
    const at = `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const [was, is] = [ownMember(before, name), ownMember(after, name)];
    if (was === undefined) return is === undefined ? [] : [{ op: 'add', path: at, after: is }];
    return is === undefined ? [{ op: 'remove', path: at, before: was }] : diffJson(was, is, at);
  });
}

function ownMember(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
