/** Sends one event once, signed, and says what came of it: an answer, or the fault that kept one from being whole. */
import { toUnixSeconds, type Clock } from '../../shared/core/clock.ts';
import { signWebhook } from '../../shared/core/standard-webhooks.ts';
import type { DeliveryPlan } from '../../shared/contracts/webhooks.ts';
import type { Egress } from '../../shared/egress/egress.ts';
import type { Sent } from './deliverer.ts';
import { parseRetryAfter } from './delivery-rules.ts';
import type { Queued } from './webhook-endpoint-store.ts';

const MaxAnswerBytes = 4_096;
const MaxExcerpt = 1_024;

export async function sendWebhook(
  egress: Egress,
  plan: DeliveryPlan,
  { id, body, traceparent }: Queued,
  at: number,
  clock: Clock,
): Promise<Sent> {
  const timestamp = toUnixSeconds(at);
  const signature = await signWebhook({ id, timestamp, body }, plan.secrets);
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Freehold-Webhooks/1',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signature.ok ? signature.value : '',
    ...(traceparent === null ? {} : { traceparent }),
  };
  const answered = await egress.fetch(
    { url: plan.url, method: 'POST', headers, body },
    { timeoutMs: plan.timeoutMs, maxBytes: MaxAnswerBytes, excess: 'truncate' },
  );
  if (!answered.ok) {
    const { fault, status = null } = answered;
    return { headers, status, answer: null, fault, result: { kind: 'fault', fault } };
  }
  const { status, body: bytes, headers: answerHeaders } = answered.value;
  const answer = new TextDecoder().decode(bytes).slice(0, MaxExcerpt);
  const retryAfterMs = parseRetryAfter(answerHeaders.get('retry-after'), clock.now());
  return { headers, status, answer, fault: null, result: { kind: 'answered', status, retryAfterMs } };
}
