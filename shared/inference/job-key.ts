/**
 * The symmetric key by which the platform authenticates job tokens to one bridge (HS256): derived from the platform's own
 * key, so that nothing is kept for it, and told to the bridge in the answer to its announcement. Whoever has it can give
 * that one bridge work; what a run costs and who pays is sealed apart from it (ticket.ts), so nobody can be billed with it.
 */
import { createHash, hkdfSync } from 'node:crypto';

export type JobKey = {
  /** Names the key without telling it; changes with the platform's key. */
  readonly kid: string;
  readonly secret: Buffer;
};

/** `signingKey`: the platform's private key as a JWK. */
export function deriveJobKey(signingKey: string, bridge: string): JobKey {
  const { d } = JSON.parse(signingKey) as { readonly d: string };
  const secret = Buffer.from(hkdfSync('sha256', Buffer.from(d, 'base64url'), '', `freehold job key ${bridge}`, 32));
  return { kid: createHash('sha256').update('kid').update(secret).digest('hex').slice(0, 32), secret };
}
