/** A secret for senders that let the receiver choose it; undefined for those that show their own. */
import { randomBase32, type Random } from '../../../shared/core/ids.ts';
import { mintWebhookSecret } from '../../../shared/core/standard-webhooks.ts';
import type { HookScheme } from '../../../shared/contracts/hooks.ts';

/** 260 bits. */
const Length = 52;

export function mintHookSecret(scheme: HookScheme, random: Random): string | undefined {
  switch (scheme) {
    case 'standard_webhooks':
      return mintWebhookSecret(random);
    case 'github':
    case 'gitlab':
    case 'hmac':
    case 'bearer':
      return randomBase32(Length, random);
    case 'slack':
    case 'discord':
    case 'stripe':
      return undefined;
  }
}
