/** The platform's key, imported once an isolate. */
import { PlatformKey } from '../../shared/inference/platform-key.ts';
import type { Platform } from '../../durable-objects/stubs.ts';

let imported: { readonly text: string; readonly key: Promise<PlatformKey> } | undefined;

export function platformKey(platform: Platform): Promise<PlatformKey> {
  const text = platform.PLATFORM_SIGNING_KEY;
  if (imported?.text !== text) imported = { text, key: PlatformKey.parse(text) };
  return imported.key;
}
