/**
 * The form of an API key: `fh_<key id body>_<secret>_<checksum>`. The id finds the key, the secret (200 bits) proves it,
 * the checksum (CRC-32) lets the edge refuse a typo without asking anyone. Only a hash of the whole is ever stored.
 */
import { isId, randomBase32, type KeyId, type Random } from './ids.ts';

const Pattern = /^fh_([0-9a-z]{26})_([0-9a-z]{40})_([0-9a-f]{8})$/;

/** Characters of a key that may be shown: enough to tell keys apart, nothing of the secret. */
export const KeyPrefixLength = 12;

export function mintApiKey(keyId: KeyId, random: Random): string {
  const body = `fh_${keyId.slice(4)}_${randomBase32(40, random)}`;
  return `${body}_${checksum(body)}`;
}

/** The id of the key that this text claims to be, or undefined where the text cannot be a key. */
export function parseApiKey(text: string): KeyId | undefined {
  const match = Pattern.exec(text);
  if (!match || checksum(text.slice(0, -9)) !== match[3]) return undefined;
  const keyId = `key_${match[1]}`;
  return isId('key', keyId) ? keyId : undefined;
}

/** CRC-32 (ISO 3309) as eight hex digits. */
function checksum(text: string): string {
  let crc = 0xffffffff;
  for (let at = 0; at < text.length; at++) {
    crc ^= text.charCodeAt(at) & 0xff;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0');
}
