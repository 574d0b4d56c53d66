/**
 * The symmetric keys that the platform gives this bridge for its job tokens: the present one, and the one before it until
 * its last token is too old. Kept in the data directory, readable by its owner only, so that a restart forgets none.
 */
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { givenJobKey, type GivenJobKey } from '../shared/contracts/inference.ts';

const Kept = 2;
const keptKeys = z.array(givenJobKey).max(Kept);

export class JobKeys {
  readonly #path: string;
  #keys: readonly GivenJobKey[];

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'job-keys.json');
    this.#keys = readKeys(this.#path);
  }

  /** The id of the newest, to be announced; undefined before the first. */
  get newest(): string | undefined {
    return this.#keys[0]?.kid;
  }

  find(kid: string | undefined): Uint8Array | undefined {
    const key = this.#keys.find((each) => each.kid === kid);
    return key && Buffer.from(key.k, 'base64url');
  }

  /** True where it is new. It is on disk when this resolves, so that it may be announced. */
  async take(key: GivenJobKey): Promise<boolean> {
    if (key.kid === this.newest) return false;
    this.#keys = [key, ...this.#keys.filter(({ kid }) => kid !== key.kid)].slice(0, Kept);
    await writeFile(`${this.#path}.new`, JSON.stringify(this.#keys), { mode: 0o600 });
    await rename(`${this.#path}.new`, this.#path);
    return true;
  }
}

/** What cannot be read is asked for anew. */
function readKeys(path: string): readonly GivenJobKey[] {
  try {
    return keptKeys.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return [];
  }
}
