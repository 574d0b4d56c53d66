import { createHmac, generateKeyPairSync, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TicketSeal, type Ticket } from '../../../shared/inference/ticket.ts';

const signingKey = () => JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }));
const ticket: Ticket = {
  run: 'run_1',
  tenant: 'tnt_1',
  payer: { kind: 'key', id: 'key_1' },
  agent: null,
  project: null,
  environment: null,
  lease: null,
  bridge: 'brg_1',
  model: 'tiny',
  priceId: 'price_1',
  price: { input_micros_per_mtok: 1, cached_input_micros_per_mtok: 1, output_micros_per_mtok: 1 },
  maxMicros: 10,
  maxTokens: 1_000,
};

describe('a ticket', () => {
  it('comes back as it was sealed, also after the platform has restarted', () => {
    const key = signingKey();
    expect(new TicketSeal(key).open(new TicketSeal(key).seal(ticket))).toEqual(ticket);
  });

  it('of an earlier release still opens, and one that knew of no tokens holds none', () => {
    const key = signingKey();
    const secret = Buffer.from((JSON.parse(key) as { d: string }).d, 'base64url');
    const sealKey = Buffer.from(hkdfSync('sha256', secret, '', 'freehold run ticket', 32));
    const sealAsBefore = (said: object) => {
      const body = Buffer.from(JSON.stringify(said)).toString('base64url');
      return `${body}.${createHmac('sha256', sealKey).update(body).digest('base64url')}`;
    };
    const { maxTokens: _, ...withoutTokens } = ticket;
    expect(new TicketSeal(key).open(sealAsBefore(ticket))).toEqual(ticket);
    expect(new TicketSeal(key).open(sealAsBefore(withoutTokens))).toEqual({ ...ticket, maxTokens: 0 });
  });

  it('of another platform does not open', () => {
    expect(new TicketSeal(signingKey()).open(new TicketSeal(signingKey()).seal(ticket))).toBeUndefined();
    const [before, after] = [signingKey(), signingKey()];
    const sealed = new TicketSeal(before).seal(ticket);
    expect(new TicketSeal(after, before).open(sealed)).toEqual(ticket);
    expect(new TicketSeal(before).open(new TicketSeal(after, before).seal(ticket))).toBeUndefined();
  });

  it('does not open with any character changed', () => {
    const seal = new TicketSeal(signingKey());
    const sealed = seal.seal(ticket);
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.constantFrom(...'abcXYZ019_-.'), (at, character) => {
        const altered = sealed.slice(0, at) + character + sealed.slice(at + 1);
        expect(seal.open(altered)).toEqual(altered === sealed ? ticket : undefined);
      }),
    );
  });

  it('is never opened out of text that is none', () => {
    const seal = new TicketSeal(signingKey());
    for (const text of ['', '.', 'a', 'a.b', 'a.b.c', seal.seal(ticket).split('.')[0]!])
      expect(seal.open(text)).toBeUndefined();
  });
});
