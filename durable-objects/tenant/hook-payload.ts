/**
 * What a hook's request says, and what its sender has to be answered at once: Slack's challenge, Discord's PING,
 * GitHub's ping. Pure.
 */
import type { HookAnswer, HookRequest, HookScheme } from '../../shared/contracts/hooks.ts';
import { parseJson } from '../../shared/core/parse-json.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';

const PingEvent = 'ping';
/** Discord's types, of interactions and of webhook events. */
const Interaction = { ping: 1, autocomplete: 4 } as const;
const WebhookPing = 0;
const Reply = { pong: 1, message: 4, choices: 8 } as const;
/** Seen by who asked alone. */
const Ephemeral = 64;

/** JSON, or a form: with a member `payload` that is JSON (GitHub, Slack), else its members as text (slash commands). */
export function parsePayload({ headers, body }: HookRequest): Result<unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body);
  } catch {
    return err('invalid_json', 'The body is not valid UTF-8.');
  }
  if (!/^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '')) return parseJson(text);
  const form = new URLSearchParams(text);
  const inner = form.get('payload');
  return inner === null ? ok(Object.fromEntries(form)) : parseJson(inner);
}

/** The answer to a request that asks nothing of the agent; undefined where it does. */
export function answerHandshake(scheme: HookScheme, request: HookRequest, payload: unknown): HookAnswer | undefined {
  const receipt = { object: 'hook.receipt', delivery: null, duplicate: false } as const;
  const said = (typeof payload === 'object' && payload !== null ? payload : {}) as Record<string, unknown>;
  if (scheme === 'slack' && said['type'] === 'url_verification' && typeof said['challenge'] === 'string')
    return { status: 200, body: { challenge: said['challenge'] }, receipt };
  if (scheme === 'github' && request.headers['x-github-event'] === PingEvent)
    return { status: 202, body: receipt, receipt };
  if (scheme !== 'discord') return undefined;
  if (!('token' in said)) return said['type'] === WebhookPing ? { status: 204, receipt } : undefined;
  if (said['type'] === Interaction.ping) return { status: 200, body: { type: Reply.pong }, receipt };
  if (said['type'] === Interaction.autocomplete)
    return { status: 200, body: { type: Reply.choices, data: { choices: [] } }, receipt };
  return undefined;
}

/** What the sender of a delivery is answered: in the form that it understands. */
export function answerDelivery(scheme: HookScheme, payload: unknown, delivery: string, duplicate: boolean): HookAnswer {
  const receipt = { object: 'hook.receipt', delivery, duplicate } as const;
  // A body would be shown to who typed a slash command.
  if (scheme === 'slack') return { status: 200, receipt };
  if (scheme !== 'discord') return { status: 202, body: receipt, receipt };
  const isInteraction = typeof payload === 'object' && payload !== null && 'token' in payload;
  return isInteraction
    ? { status: 200, body: { type: Reply.message, data: { content: 'Received.', flags: Ephemeral } }, receipt }
    : { status: 204, receipt };
}
