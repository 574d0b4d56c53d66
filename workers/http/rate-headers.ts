/**
 * What an answer says of its caller's rate limit: the names that OpenAI's clients know, and the IETF draft's.
 * Source: "RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers).
 */
import { RateWindowSeconds, type RateState } from '../../shared/core/rate-window.ts';

export function setRateHeaders(headers: Headers, { limit, remaining, resetMs }: RateState): void {
  headers.set('x-ratelimit-limit-requests', String(limit));
  headers.set('x-ratelimit-remaining-requests', String(remaining));
  headers.set('x-ratelimit-reset-requests', formatDuration(resetMs));
  headers.set('ratelimit-policy', `"requests";q=${limit};w=${RateWindowSeconds}`);
  headers.set('ratelimit', `"requests";r=${remaining};t=${Math.ceil(resetMs / 1000)}`);
}

/** As OpenAI writes them: `17ms`, `1s`, `6m0s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
