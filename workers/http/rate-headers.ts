/**
 * What an answer says of its caller's limits: the names that OpenAI's clients know, and the IETF draft's.
 * Source: "RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers).
 */
import { RateWindowSeconds, type RateStates } from '../../shared/core/rate-window.ts';

const measures = ['requests', 'tokens'] as const;

export function setRateHeaders(headers: Headers, states: RateStates): void {
  const policies: string[] = [];
  const limits: string[] = [];
  for (const measure of measures) {
    const state = states[measure];
    if (!state) continue;
    const { limit, remaining, resetMs } = state;
    headers.set(`x-ratelimit-limit-${measure}`, String(limit));
    headers.set(`x-ratelimit-remaining-${measure}`, String(remaining));
    headers.set(`x-ratelimit-reset-${measure}`, formatDuration(resetMs));
    policies.push(`"${measure}";q=${limit};w=${RateWindowSeconds}`);
    limits.push(`"${measure}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`);
  }
  headers.set('ratelimit-policy', policies.join(', '));
  headers.set('ratelimit', limits.join(', '));
}

/** As OpenAI writes them: `17ms`, `1s`, `6m0s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
