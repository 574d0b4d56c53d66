/**
 * Replaces the bridge's key: the next one is made here, shown to the platform under the present one, and taken up once
 * the platform has accepted it. Cut off at any point, it is taken up again where it stopped: asking twice changes nothing.
 */
import { toUnixSeconds } from '../shared/core/clock.ts';
import { err, ok, type Result } from '../shared/core/result.ts';
import { rotated } from '../shared/contracts/bridges.ts';
import { TokenTypes } from '../shared/contracts/inference.ts';
import { adoptNextIdentity, discardNextIdentity, prepareNextIdentity, type BridgeIdentity } from './bridge-key.ts';
import { createPlatformClient, describeRefusal, isGood, signAs, type PlatformAnswer } from './platform-client.ts';

const Conflict = 409;

export type Rotation = {
  readonly identity: BridgeIdentity;
  readonly previousUntil: string;
  readonly expiresAt: string;
};

export async function rotateKey(options: {
  readonly dataDir: string;
  readonly platformUrl: string;
  readonly identity: BridgeIdentity;
  readonly now: number;
}): Promise<Result<Rotation>> {
  const { dataDir, identity, now } = options;
  const next = await prepareNextIdentity(dataDir, identity.id, now);
  const ask = async (signer: BridgeIdentity): Promise<PlatformAnswer> => {
    const claims = { iss: identity.id, iat: toUnixSeconds(now) };
    const shown = await signAs(identity.id, next, TokenTypes.nextKey, { ...claims, public_key: next.publicKey });
    const client = createPlatformClient(options.platformUrl, identity.id, () => signer);
    return client.post('/bridge/v1/rotate', TokenTypes.rotate, { ...claims, next: shown });
  };
  let answer: PlatformAnswer;
  try {
    answer = await ask(identity);
    // The platform may have accepted the next key long ago, and its answer was lost.
    if (!isGood(answer)) {
      const again = await ask(next);
      if (isGood(again)) answer = again;
    }
  } catch (error) {
    return err('service_unavailable', `The platform cannot be reached: ${String(error)}`);
  }
  if (!isGood(answer)) {
    if (answer.status === Conflict) await discardNextIdentity(dataDir);
    return err('permission_denied', `The platform refused the new key: ${describeRefusal(answer)}`);
  }
  const { previous_until: previousUntil, expires_at: expiresAt } = rotated.parse(answer.body);
  await adoptNextIdentity(dataDir);
  return ok({ identity: next, previousUntil, expiresAt });
}
