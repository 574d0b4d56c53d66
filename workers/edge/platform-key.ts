/** The platform's key and the seal derived from it, made once an isolate. */
import { PlatformKey } from '../../shared/inference/platform-key.ts';
import { TicketSeal } from '../../shared/inference/ticket.ts';
import type { Platform } from '../../durable-objects/stubs.ts';

type Keys = { readonly text: string; readonly key: Promise<PlatformKey>; readonly seal: TicketSeal };
let kept: Keys | undefined;

export function platformKey(platform: Platform): Promise<PlatformKey> {
  return keysOf(platform).key;
}

export function ticketSeal(platform: Platform): TicketSeal {
  return keysOf(platform).seal;
}

function keysOf({ PLATFORM_SIGNING_KEY: text, PLATFORM_PREVIOUS_SIGNING_KEY: previous }: Platform): Keys {
  if (kept?.text !== text) {
    kept = { text, key: PlatformKey.parse(text, previous), seal: new TicketSeal(text, previous) };
  }
  return kept;
}
