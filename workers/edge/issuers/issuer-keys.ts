/**
 * Issuers' keys as this isolate keeps them: for five minutes, for a bounded number of issuers, each tenant's apart. A
 * key that is not there is asked for once a cooldown, however many tokens name it. Requests share what is kept, never
 * each other's I/O, which the runtime forbids: one fetches, the others look again until it has.
 */
import type { CryptoKey } from 'jose';
import type { Clock } from '../../../shared/core/clock.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { TokenAlgorithm } from '../../../shared/contracts/issuers.ts';
import type { SigningKeys } from './signing-keys.ts';

const TtlMs = 300_000;
/** Between two fetches that answered. */
const CooldownMs = 30_000;
/** After a fetch that failed. */
const FailureCooldownMs = 5_000;
/** A fetch older than this has died with its request: discovery and key set have 3 s each. */
const FetchLimitMs = 7_000;
const LookAgainMs = 20;
const MaxIssuers = 1_000;

export type LoadKeys = () => Promise<Result<SigningKeys>>;
type Kept = { keys?: SigningKeys; fetchedAt: number; triedAt: number; failed: boolean; fetching: boolean };

export class IssuerKeys {
  readonly #clock: Clock;
  readonly #wait: (ms: number) => Promise<unknown>;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock, wait: (ms: number) => Promise<unknown>) {
    this.#clock = clock;
    this.#wait = wait;
  }

  /**
   * `name`: of the tenant and its registration. Undefined where the issuer has no such key; a failure where nobody can
   * say, because its keys cannot be read.
   */
  async find(
    name: string,
    kid: string,
    algorithm: TokenAlgorithm,
    load: LoadKeys,
  ): Promise<Result<CryptoKey | undefined>> {
    const kept = this.#keep(name);
    for (;;) {
      const now = this.#clock.now();
      const fresh = kept.keys && isWithin(TtlMs, kept.fetchedAt, now) ? kept.keys : undefined;
      if (fresh?.has(kid)) return ok(await fresh.find(kid, algorithm));
      if (kept.fetching && isWithin(FetchLimitMs, kept.triedAt, now)) await this.#wait(LookAgainMs);
      else if (isWithin(kept.failed ? FailureCooldownMs : CooldownMs, kept.triedAt, now)) {
        return kept.failed ? err('service_unavailable', undefined, { reason: "the issuer's keys" }) : ok(undefined);
      } else await this.#refresh(kept, now, load);
    }
  }

  async #refresh(kept: Kept, now: number, load: LoadKeys): Promise<void> {
    kept.triedAt = now;
    kept.fetching = true;
    kept.failed = true;
    try {
      const loaded = await load();
      if (!loaded.ok) return;
      kept.keys = loaded.value;
      kept.fetchedAt = now;
      kept.failed = false;
    } finally {
      kept.fetching = false;
    }
  }

  /** The one that was asked for longest ago makes room. */
  #keep(name: string): Kept {
    const kept = this.#kept.get(name) ?? { fetchedAt: -Infinity, triedAt: -Infinity, failed: false, fetching: false };
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    if (this.#kept.size > MaxIssuers) this.#kept.delete(this.#kept.keys().next().value!);
    return kept;
  }
}

/** A clock that jumped back makes nothing live longer. */
function isWithin(ms: number, since: number, now: number): boolean {
  return now >= since && now - since < ms;
}
