/**
 * Who may speak as a bridge: which of its keys count now, and what an enrolment may do. Pure. Every refusal says what to do about it: these texts are read by whoever set the machine up.
 */
import { err, ok, type Result } from '../../shared/core/result.ts';
import { KeyMaxAgeMs, type EnrolRequest } from '../../shared/contracts/bridges.ts';

/** Both keys count for this long after a rotation, so that what was signed just before is still heard. */
export const KeyOverlapMs = 60 * 60 * 1000;

export type BridgeKeyRow = { readonly x: string; readonly accepted_at: number; readonly ends_at: number | null };
export type EnrolmentTerms = {
  readonly bridge: string | null;
  readonly expires_at: number;
  readonly used_at: number | null;
};
export type KnownBridge = { readonly id: string; readonly revoked_at: number | null };

export const revokedMessage =
  'This bridge was revoked. To use the machine again, move its data folder away and enrol it anew with a token of the operator.';

function ageMessage(bridge: string): string {
  return `The key of this bridge is older than 90 days. Ask the operator for an enrolment token with {"bridge": "${bridge}"} and run: npm run bridge -- enrol <token>`;
}

export function keyExpiresAt(key: BridgeKeyRow): number {
  return Math.min(key.accepted_at + KeyMaxAgeMs, key.ends_at ?? Number.POSITIVE_INFINITY);
}

/** The keys that count now; none is a refusal that says why. */
export function validKeys(bridge: string, keys: readonly BridgeKeyRow[], now: number): Result<readonly string[]> {
  const valid = keys.filter((key) => now < keyExpiresAt(key)).map(({ x }) => x);
  return valid.length > 0 ? ok(valid) : err('permission_denied', ageMessage(bridge));
}

export type EnrolmentEffect = 'register' | 'move' | 'replace_keys';

export function decideEnrolment(
  terms: EnrolmentTerms | undefined,
  known: KnownBridge | undefined,
  keys: readonly BridgeKeyRow[],
  request: Pick<EnrolRequest, 'iss' | 'public_key'>,
  now: number,
): Result<EnrolmentEffect> {
  if (!terms) return err('invalid_api_key', 'This enrolment token is not known to this platform.');
  if (terms.used_at !== null) {
    return err('conflict', 'This enrolment token was used before: each works once. Ask the operator for another.');
  }
  if (now >= terms.expires_at) {
    return err('invalid_api_key', 'This enrolment token has expired. Ask the operator for another.');
  }
  if (terms.bridge !== null && terms.bridge !== request.iss) {
    return err('permission_denied', `This enrolment token is for the bridge ${terms.bridge}, not for ${request.iss}.`);
  }
  if (!known) return ok('register');
  if (known.revoked_at !== null) return err('permission_denied', revokedMessage);
  const same = keys.find(({ x }) => x === request.public_key.x);
  if (same) return now < keyExpiresAt(same) ? ok('move') : err('permission_denied', ageMessage(known.id));
  if (terms.bridge === known.id) return ok('replace_keys');
  return err('conflict', 'A bridge of this id is enrolled with another key. Its token must name it as "bridge".');
}
