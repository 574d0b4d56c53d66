/**
 * A tool that is one HTTP request. Its host is fixed by the definition: arguments fill places in the path, the query and
 * the body, so no argument leads a credential elsewhere. Redirects are never followed. The Idempotency-Key is the effect's.
 */
import type { JsonSchema } from '../../../shared/core/json-schema.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { HttpTool, ToolCredential } from '../../../shared/contracts/tools.ts';
import type { EgressErr, EgressRequest } from '../../../shared/egress/egress.ts';
import { findFaults } from '../../../shared/tools/validate.ts';
import {
  cutResult,
  done,
  doneButUnusable,
  MaxResultBytes,
  notDone,
  notKnown,
  redact,
  type RevealSecret,
  type SafeFetch,
  type ToolCallContext,
  type ToolResult,
} from './tool-result.ts';

type Args = Readonly<Record<string, unknown>>;
export type PlannedRequest = { readonly url: string; readonly body: string | null };

const bodyMethods: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);
/** Set by the platform alone. */
const ownHeaders = /^(?:host|content-length|transfer-encoding|connection|idempotency-key|cookie)$/i;

export function planRequest(tool: HttpTool, args: Args): Result<PlannedRequest> {
  const rest = { ...args };
  let bad: string | undefined;
  const filled = tool.url.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => {
    const value = rest[name];
    delete rest[name];
    const text =
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
    if (text === '' || text === '.' || text === '..') bad = name;
    return encodeURIComponent(text);
  });
  if (bad !== undefined) return err('invalid_request', `The argument "${bad}" cannot be part of the address.`);
  const url = new URL(filled);
  const hasBody = bodyMethods.has(tool.method);
  for (const [name, value] of Object.entries(rest)) {
    if (hasBody && !tool.query.includes(name)) continue;
    delete rest[name];
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined)
        url.searchParams.append(name, typeof each === 'object' ? JSON.stringify(each) : String(each));
    }
  }
  return ok({ url: url.href, body: hasBody ? JSON.stringify(rest) : null });
}

export async function callHttpTool(
  ways: { readonly egress: SafeFetch; readonly reveal: RevealSecret },
  tool: HttpTool,
  args: Args,
  context: ToolCallContext,
): Promise<ToolResult> {
  const planned = planRequest(tool, args);
  if (!planned.ok) return notDone(planned.failure.message);
  const headers: Record<string, string> = { accept: tool.answers === 'json' ? 'application/json' : '*/*' };
  for (const [name, value] of Object.entries(tool.headers))
    if (!ownHeaders.test(name)) headers[name.toLowerCase()] = value;
  const secrets: string[] = [];
  if (tool.credential) {
    const added = await addCredential(ways.reveal, tool.credential, `tool ${tool.name}`, headers, secrets);
    if (!added.ok) return notDone(added.failure.message);
  }
  headers['idempotency-key'] = context.effectId;
  const { url, body } = planned.value;
  if (body !== null) headers['content-type'] = 'application/json';
  const request = { url, method: tool.method, headers, ...(body === null ? {} : { body }) };
  return readToolAnswer(ways.egress, request, { ...context, answers: tool.answers, result: tool.result, secrets });
}

export async function addCredential(
  reveal: RevealSecret,
  credential: ToolCredential,
  purpose: string,
  headers: Record<string, string>,
  secrets: string[],
): Promise<Result<undefined>> {
  const secret = await reveal(credential.secret, purpose);
  if (!secret.ok)
    return err(
      'not_found',
      `The credential of this tool is not there. Its operator must set the secret "${credential.secret}".`,
    );
  const value = `${credential.prefix}${secret.value}`;
  if (!/^[\x20-\x7e]*$/.test(value))
    return err('invalid_request', 'The credential of this tool cannot be sent as a header.');
  headers[credential.header.toLowerCase()] = value;
  secrets.push(secret.value);
  return ok();
}

export type AnswerRules = ToolCallContext & {
  readonly answers: 'json' | 'text';
  readonly result: JsonSchema | null;
  readonly secrets: readonly string[];
};

/** One request and what its answer means. Nothing of it is retried here. */
export async function readToolAnswer(
  egress: SafeFetch,
  request: EgressRequest,
  rules: AnswerRules,
): Promise<ToolResult> {
  const { timeoutMs, signal } = rules;
  const answer = await egress.fetch(request, { timeoutMs, maxBytes: MaxResultBytes, signal });
  if (!answer.ok) return explainFault(answer, request.method === 'GET', timeoutMs);
  const { status, body } = answer.value;
  if (status >= 300 && status < 400)
    return notDone(`The tool answered with a redirect (${status}), which is not followed.`);
  if (status >= 500) return mayBeDone(`The tool failed with status ${status}.`, request.method === 'GET');
  const text = new TextDecoder().decode(body);
  const clean = cutResult(redact(text, rules.secrets));
  if (status < 200 || status >= 300) return notDone(`The tool refused with status ${status}: ${clean.slice(0, 2_000)}`);
  if (rules.answers === 'text' || text.trim() === '') return done(clean);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return doneButUnusable('The tool was called, but its answer is not JSON.');
  }
  const faults = rules.result === null ? [] : findFaults(rules.result, value);
  return faults.length === 0
    ? done(clean)
    : doneButUnusable(`The tool was called, but its answer does not fit what it promises: ${faults.join('; ')}`);
}

/** What failed before anything was sent was not done; what broke off later may have been. */
function explainFault({ fault, status, failure }: EgressErr, reads: boolean, timeoutMs: number): ToolResult {
  switch (fault) {
    case 'refused':
      return notDone(`The platform does not let this tool go there. ${failure.reason ?? failure.message}`);
    case 'unreachable':
      return notDone('The tool cannot be reached: there is no such host, or it is not one that may be asked.');
    case 'too_many_redirects':
      return notDone('The tool redirects, which is not followed.');
    case 'too_large':
      return status !== undefined && status >= 200 && status < 300
        ? doneButUnusable(`The tool was called, but its answer is larger than ${MaxResultBytes} bytes.`)
        : mayBeDone(`The tool's answer is larger than ${MaxResultBytes} bytes.`, reads);
    case 'timeout':
      return mayBeDone(`The tool did not answer within ${Math.round(timeoutMs / 1000)} seconds.`, reads);
    case 'aborted':
      return mayBeDone('The turn ended while the tool was working.', reads);
    case 'lost':
    case 'cut':
      return mayBeDone('The connection to the tool broke.', reads);
  }
}

/** Reading has no effect, so there is nothing to be unsure of. */
export function mayBeDone(what: string, reads: boolean): ToolResult {
  return reads ? notDone(what) : notKnown(`${what} Whether it took effect is not known; it was not tried again.`);
}
