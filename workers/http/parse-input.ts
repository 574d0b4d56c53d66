/** Parses what a route takes, by its schemas. The first fault is named by its field, with what to do. */
import type { z } from 'zod';
import { parseJson } from '../../shared/core/parse-json.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { isJson, readText } from '../edge/read-body.ts';
import type { RequestContext } from '../edge/request-context.ts';
import type { AnyInput, Route } from './define-route.ts';
import { isForm, readForm } from './read-form.ts';

export async function parseInput(
  context: RequestContext,
  route: Pick<Route, 'params' | 'query' | 'body' | 'form'> & Partial<Pick<Route, 'access' | 'rawBody'>>,
  pathParams: Readonly<Record<string, string>>,
): Promise<Result<AnyInput>> {
  const params = check(route.params, pathParams, 'path');
  if (!params.ok) return params;
  const query = route.query ? check(route.query, readQuery(context.request.url), 'query') : ok(undefined);
  if (!query.ok) return query;
  let text = '';
  let body: Result<unknown> = ok(undefined);
  if (route.body) {
    const read = await readBody(context, route.form === true);
    if (!read.ok) return read;
    text = read.value.text;
    body = check(route.body, read.value.value, 'body');
    if (!body.ok) return body;
  } else if (route.rawBody !== undefined && route.access === 'tenant') {
    const read = await readText(context.request, Number(context.platform.MAX_BODY_BYTES));
    if (!read.ok) return read;
    text = read.value;
  }
  return ok({ params: params.value, query: query.value, body: body.value, text } as AnyInput);
}

async function readBody(
  { request, platform }: RequestContext,
  takesForm: boolean,
): Promise<Result<{ readonly text: string; readonly value: unknown }>> {
  const maxBytes = Number(platform.MAX_BODY_BYTES);
  if (takesForm && isForm(request)) {
    const form = await readForm(request, maxBytes);
    return form.ok ? ok({ text: JSON.stringify(form.value), value: form.value }) : form;
  }
  if (!isJson(request)) return err('unsupported_media_type');
  const text = await readText(request, maxBytes);
  if (!text.ok) return text;
  const parsed = parseJson(text.value === '' ? '{}' : text.value);
  return parsed.ok ? ok({ text: text.value, value: parsed.value }) : parsed;
}

/** A repeated parameter keeps its last value. */
function readQuery(url: string): Record<string, string> {
  return Object.fromEntries(new URL(url).searchParams);
}

function check(schema: z.ZodType | undefined, value: unknown, where: string): Result<unknown> {
  if (!schema) return ok(undefined);
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const issue = deepest(parsed.error.issues[0]!);
  const unknownKeys = issue.code === 'unrecognized_keys' ? issue.keys : [];
  const param = [...issue.path, ...unknownKeys.slice(0, 1)].map(String).join('.').slice(0, 200);
  return err('invalid_request', `${param === '' ? `The ${where}` : `"${param}"`}: ${issue.message}`.slice(0, 500), {
    param: param === '' ? where : param,
  });
}

/** Inside a union, the branch that got furthest is what the caller meant. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const candidates = issue.errors.flatMap((branch) => branch.slice(0, 1)).map(deepest);
  const best = candidates.sort((a, b) => b.path.length - a.path.length)[0];
  return best && best.path.length > 0 ? { ...best, path: [...issue.path, ...best.path] } : issue;
}
