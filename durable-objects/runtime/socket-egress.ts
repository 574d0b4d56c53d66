/**
 * The bytes of messages that went to a WebSocket. They are kept with the socket, so that they outlast the object's sleep,
 * and told as a reading once an hour and at the socket's end.
 */
import { mintId } from '../../shared/core/ids.ts';
import type { MeterReading } from '../../shared/contracts/billing.ts';

const GatherMs = 60 * 60_000;

export type Sent = { readonly bytes: number; readonly since: number };

export function nothingSent(now: number): Sent {
  return { bytes: 0, since: now };
}

/** What is kept from now on, and a reading where it is time for one. */
export function addSent(
  { bytes, since }: Sent,
  messages: readonly string[],
  now: number,
): { readonly sent: Sent; readonly due: MeterReading | undefined } {
  const sent = { bytes: messages.reduce((sum, text) => sum + Buffer.byteLength(text), bytes), since };
  return now - since < GatherMs ? { sent, due: undefined } : { sent: nothingSent(now), due: readingOf(sent, now) };
}

/** Undefined where nothing was sent. */
export function readingOf({ bytes }: Sent, now: number): MeterReading | undefined {
  if (bytes === 0) return undefined;
  return { id: `egress:${mintId('request', now)}`, sku: 'egress_bytes', quantity: bytes, occurredAt: now };
}
