/**
 * What a run was admitted with, sealed by the platform: who pays, at which price, how much at most. It travels with the
 * job to the bridge and comes back in the receipt, so admitting a run writes nothing, and a receipt can be settled
 * whatever has died in between. The seal (HMAC-SHA256) is the platform's own: a bridge can carry it, not make it.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { LeaseId } from '../core/ids.ts';
import type { TokenPrice } from '../core/money.ts';
import type { Principal } from '../core/principal.ts';
import type { Reservation } from '../contracts/admission.ts';

export type Ticket = {
  readonly run: string;
  readonly tenant: string;
  readonly payer: { readonly kind: Principal['kind']; readonly id: string };
  readonly agent: string | null;
  readonly project: string | null;
  readonly environment: string | null;
  /** What the run draws on; null where no budget applied when it was admitted. */
  readonly lease: LeaseId | null;
  readonly bridge: string;
  readonly model: string;
  readonly priceId: string;
  readonly price: TokenPrice;
  readonly maxMicros: number;
};

export function makeTicket(
  tenant: string,
  { kind, id, scope }: Principal,
  agent: string | null,
  lease: LeaseId | null,
  { run, bridge, model, priceId, price, maxMicros }: Reservation,
): Ticket {
  const { project, environment } = scope;
  return {
    run,
    tenant,
    payer: { kind, id },
    agent,
    project,
    environment,
    lease,
    bridge,
    model,
    priceId,
    price,
    maxMicros,
  };
}

export class TicketSeal {
  readonly #key: Buffer;

  /** `signingKey`: the platform's private key as a JWK; the seal's key is derived from it. */
  constructor(signingKey: string) {
    const { d } = JSON.parse(signingKey) as { readonly d: string };
    this.#key = Buffer.from(hkdfSync('sha256', Buffer.from(d, 'base64url'), '', 'freehold run ticket', 32));
  }

  seal(ticket: Ticket): string {
    const body = Buffer.from(JSON.stringify(ticket)).toString('base64url');
    return `${body}.${this.#mac(body)}`;
  }

  /** Undefined where the text is not a ticket that this platform has sealed. */
  open(text: string): Ticket | undefined {
    const [body = '', mac = ''] = text.split('.', 2);
    const expected = Buffer.from(this.#mac(body));
    const given = Buffer.from(mac);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Ticket;
  }

  #mac(body: string): string {
    return createHmac('sha256', this.#key).update(body).digest('base64url');
  }
}
