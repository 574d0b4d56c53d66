/**
 * The symmetric keys that the platform gives this bridge for its job tokens: the present one, and the one before it until
 * its last token is too old. Kept in the data directory, readable by its owner only, so that a restart forgets none.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { givenJobKey, type GivenJobKey } from '../shared/contracts/inference.ts';
import { replaceFile } from './replace-file.ts';

const Kept = 2;
const keptKeys = z.array(givenJobKey).max(Kept);

export class JobKeys {
  readonly #path: string;
  #keys: readonly GivenJobKey[];
  /** By id, made ready once: that takes longer than to check a token. */
  readonly #ready = new Map<string, KeyObject>();

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'job-keys.json');
    this.#keys = readKeys(this.#path);
    this.#makeReady();
  }

  /** The id of the newest, to be announced; undefined before the first. */
  get newest(): string | undefined {
    return this.#keys[0]?.kid;
  }

  find(kid: string | undefined): KeyObject | undefined {
    return kid === undefined ? undefined : this.#ready.get(kid);
  }

  /** True where it is new. It is on disk when this resolves, so that it may be announced. */
  async take(key: GivenJobKey): Promise<boolean> {
    if (key.kid === this.newest) return false;
    this.#keys = [key, ...this.#keys.filter(({ kid }) => kid !== key.kid)].slice(0, Kept);
    this.#makeReady();
    await replaceFile(this.#path, JSON.stringify(this.#keys));
    return true;
  }

  #makeReady(): void {
    this.#ready.clear();
    for (const { kid, k } of this.#keys) this.#ready.set(kid, createSecretKey(k, 'base64url'));
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
