/**
 * JSON from outside: what is none, or nested so deep that handling it would exhaust the stack, is refused before
 * anything else sees it.
 */
import { err, ok, type Result } from './result.ts';

const MaxDepth = 64;

export function parseJson(text: string): Result<unknown> {
  if (isTooDeep(text)) return err('invalid_json', `The body is nested deeper than ${MaxDepth} levels.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err('invalid_json');
  }
  return /\\u[dD]/.test(text) && !isWellFormed(value)
    ? err('invalid_json', 'The body holds half of a surrogate pair, which is no character.')
    : ok(value);
}

/** Counts brackets outside strings: linear, and without a stack of its own. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > MaxDepth) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

/** Only an escape can smuggle in a lone surrogate; what holds one cannot be stored and read back the same. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, member]) => key.isWellFormed() && isWellFormed(member));
}
