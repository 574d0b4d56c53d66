/**
 * The body that goes to a node: what the job token allows, and no more. Everything that would multiply the output
 * beyond `max_tokens` is refused, because the reservation covers one answer of that length.
 */
import type { JobClaims } from '../shared/contracts/inference.ts';
import { holdsForeignMedia } from '../shared/core/foreign-media.ts';
import { err, ok, type Result } from '../shared/core/result.ts';
import type { JsonObject } from './json-object.ts';

type Allowed = Pick<JobClaims, 'operation' | 'max_output_tokens'>;

/** Members that are schemas of a caller's own, which may speak of addresses and hold none. */
const schemas: ReadonlySet<string> = new Set(['tools', 'functions', 'response_format']);

export function prepareBody(body: JsonObject, allowed: Allowed): Result<JsonObject> {
  const foreign = Object.entries(body).find(([param, value]) => !schemas.has(param) && holdsForeignMedia(value));
  if (foreign) {
    return err('invalid_request', `${foreign[0]} must hold media as data URLs: a node fetches nothing.`, {
      param: foreign[0],
    });
  }
  switch (allowed.operation) {
    case 'chat':
      if (Array.isArray(body['messages']) && body['messages'].length > 0) return clampOutput(body, allowed);
      return err('invalid_request', 'messages must be a list with at least one message.', { param: 'messages' });
    case 'completions':
      if (isOnePrompt(body['prompt']) && !body['echo']) return clampOutput(body, allowed);
      return err('invalid_request', 'prompt must be one text or one list of tokens, and is not repeated.', {
        param: 'prompt',
      });
    default: {
      // Nothing else is streamed.
      const { stream: _, ...rest } = body;
      return ok(rest);
    }
  }
}

function isOnePrompt(prompt: unknown): boolean {
  if (typeof prompt === 'string') return prompt !== '';
  return Array.isArray(prompt) && prompt.length > 0 && prompt.every((token) => typeof token === 'number');
}

function clampOutput(body: JsonObject, claims: Allowed): Result<JsonObject> {
  for (const param of ['n', 'best_of']) {
    const count = body[param] ?? 1;
    if (count !== 1) return err('unsupported_parameter', `${param} must be 1.`, { param });
  }
  if (body['use_beam_search']) {
    return err('unsupported_parameter', 'Beam search is not supported.', { param: 'use_beam_search' });
  }
  if (claims.max_output_tokens < 1) return err('invalid_request', 'The job token allows no output.');
  let limit = claims.max_output_tokens;
  for (const param of ['max_tokens', 'max_completion_tokens']) {
    const asked = body[param];
    if (asked === undefined || asked === null) continue;
    if (typeof asked !== 'number' || !Number.isInteger(asked) || asked < 1) {
      return err('invalid_request', `${param} must be a whole number of at least 1.`, { param });
    }
    limit = Math.min(limit, asked);
  }
  const { max_completion_tokens: _, ...rest } = body;
  return ok({ ...rest, max_tokens: limit });
}
