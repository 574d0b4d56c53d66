/** What a tool has come to, and the ways out that tools are given. */
import type { EffectId } from '../../../shared/core/ids.ts';
import type { Result } from '../../../shared/core/result.ts';
import type { Egress } from '../../../shared/egress/egress.ts';

/**
 * `confirmed`: it was done; `failed`: it was not; `unknown`: nobody can tell. `isError` goes with what is done as well: an
 * answer that cannot be used.
 */
export type ToolResult = {
  readonly status: 'confirmed' | 'failed' | 'unknown';
  readonly isError: boolean;
  readonly text: string;
  /** What another agent's turn has spent for it. */
  readonly tokens?: number;
  readonly costMicros?: number;
  readonly toolCalls?: number;
};

export const done = (text: string): ToolResult => ({ status: 'confirmed', isError: false, text });
export const doneButUnusable = (text: string): ToolResult => ({ status: 'confirmed', isError: true, text });
export const notDone = (text: string): ToolResult => ({ status: 'failed', isError: true, text });
export const notKnown = (text: string): ToolResult => ({ status: 'unknown', isError: true, text });

/** The only way to the network. */
export type SafeFetch = Pick<Egress, 'fetch' | 'open'>;

/** The value of one of the tenant's secrets, for the purpose that the audit trail will name. */
export type RevealSecret = (name: string, purpose: string) => Promise<Result<string>>;

export type ToolCallContext = {
  readonly effectId: EffectId;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

/** What a model may be told of a result, and what a secret leaves behind in it. */
export const MaxResultBytes = 256 * 1024;
export const MaxResultChars = 32_768;

export function cutResult(text: string): string {
  return text.length <= MaxResultChars
    ? text
    : `${text.slice(0, MaxResultChars)}\n[cut here: ${text.length - MaxResultChars} more characters]`;
}

/** A receiver that echoes a credential must not show it to a model. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.length < 4) continue;
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), btoaSafe(secret)])
      clean = clean.replaceAll(form, '[redacted]');
  }
  return clean;
}

function btoaSafe(text: string): string {
  return Buffer.from(text).toString('base64');
}
