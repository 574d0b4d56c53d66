/** A webhook's secret. What the receiver verifies v1a with is public; what we sign it with is shown to nobody. */
import type { Random } from '../../../shared/core/ids.ts';
import { mintWebhookKeyPair, mintWebhookSecret } from '../../../shared/core/standard-webhooks.ts';
import type { Webhook } from '../../../shared/contracts/webhooks.ts';

export type SigningSecret = {
  readonly secret: string;
  readonly publicKey: string | null;
  readonly shown: string | null;
};

export async function mintSigningSecret(signature: Webhook['signature'], random: Random): Promise<SigningSecret> {
  if (signature === 'v1') {
    const secret = mintWebhookSecret(random);
    return { secret, publicKey: null, shown: secret };
  }
  const { privateKey, publicKey } = await mintWebhookKeyPair(random);
  return { secret: privateKey, publicKey, shown: null };
}
