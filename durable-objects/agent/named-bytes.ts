/** Randomness out of a name: what is made again under the same name has the same ids. Pure. */
import { createHash } from 'node:crypto';
import type { Random } from '../../shared/core/ids.ts';

export function namedBytes(name: string): Random {
  const digest = createHash('sha256').update(name, 'utf8').digest();
  return (bytes) => {
    bytes.set(digest.subarray(0, bytes.length));
    return bytes;
  };
}
