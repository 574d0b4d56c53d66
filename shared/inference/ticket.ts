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
  /** Of input and output together; what its lease holds for the run. */
  readonly maxTokens: number;
};

export function makeTicket(
  tenant: string,
  { kind, id, scope }: Principal,
  agent: string | null,
  lease: LeaseId | null,
  { run, bridge, model, priceId, price, maxMicros, maxTokens }: Reservation,
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
    maxTokens,
  };
}

export class TicketSeal {
  readonly #key: Buffer;
  readonly #keys: readonly Buffer[];

  /**
   * `signingKey`: the platform's private key as a JWK; the seal's key is derived from it. `previous`: the one before it,
   * under which runs may still be out.
   */
  constructor(signingKey: string, previous?: string) {
    this.#key = deriveKey(signingKey);
    this.#keys = previous === undefined ? [this.#key] : [this.#key, deriveKey(previous)];
  }

  seal(ticket: Ticket): string {
    const body = Buffer.from(JSON.stringify(pack(ticket))).toString('base64url');
    return `${body}.${mac(this.#key, body)}`;
  }

  /** Undefined where the text is not a ticket that this platform has sealed. */
  open(text: string): Ticket | undefined {
    const [body = '', seal = ''] = text.split('.', 2);
    const given = Buffer.from(seal);
    const isOurs = this.#keys.some((key) => {
      const expected = Buffer.from(mac(key, body));
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
    return isOurs ? readTicket(text) : undefined;
  }
}

/** What a ticket says, without asking whether its seal holds. Throws where it is none. */
export function readTicket(text: string): Ticket {
  const [body = ''] = text.split('.', 1);
  const said = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as Packed | Ticket;
  if (Array.isArray(said)) return unpack(said as Packed);
  // A ticket of an earlier release has names; an even earlier one knows of no tokens, and its lease holds none for it.
  const named = said as Ticket;
  return { ...named, maxTokens: named.maxTokens ?? 0 };
}

/** By position: a ticket travels three times with each run, and its names would be half of it. */
function pack(ticket: Ticket) {
  const { payer, price } = ticket;
  return [
    ticket.run,
    ticket.tenant,
    payer.kind,
    payer.id,
    ticket.agent,
    ticket.project,
    ticket.environment,
    ticket.lease,
    ticket.bridge,
    ticket.model,
    ticket.priceId,
    price.input_micros_per_mtok,
    price.cached_input_micros_per_mtok,
    price.output_micros_per_mtok,
    ticket.maxMicros,
    ticket.maxTokens,
  ] as const;
}

type Packed = ReturnType<typeof pack>;

function unpack(packed: Packed): Ticket {
  const [run, tenant, kind, id, agent, project, environment, lease, bridge, model, priceId, ...amounts] = packed;
  const [input, cached, output, maxMicros, maxTokens] = amounts;
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
    price: { input_micros_per_mtok: input, cached_input_micros_per_mtok: cached, output_micros_per_mtok: output },
    maxMicros,
    maxTokens,
  };
}

function deriveKey(signingKey: string): Buffer {
  const { d } = JSON.parse(signingKey) as { readonly d: string };
  return Buffer.from(hkdfSync('sha256', Buffer.from(d, 'base64url'), '', 'freehold run ticket', 32));
}

function mac(key: Buffer, body: string): string {
  return createHmac('sha256', key).update(body).digest('base64url');
}
