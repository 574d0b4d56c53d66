/**
 * Looks after the bridge's key while it runs: takes up one that another process has put in its place, finishes a rotation
 * that was cut off, and replaces the key long before the platform would refuse it for its age.
 */
import type { Clock } from '../shared/core/clock.ts';
import type { Logger } from '../shared/core/log.ts';
import { hasNextIdentity, isDueForRotation, type IdentityKeeper } from './bridge-key.ts';
import { rotateKey } from './rotate-key.ts';

const RetryMs = 10 * 60 * 1000;

export type KeyCareOptions = {
  readonly keeper: IdentityKeeper;
  readonly dataDir: string;
  readonly platformUrl: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onChange: () => void;
};

export class KeyCare {
  readonly #options: KeyCareOptions;
  #retryAt = 0;
  #busy: Promise<void> | undefined;

  constructor(options: KeyCareOptions) {
    this.#options = options;
  }

  tick(): void {
    this.#busy ??= this.look().finally(() => (this.#busy = undefined));
  }

  async look(): Promise<void> {
    const { keeper, dataDir, platformUrl, clock, log, onChange } = this.#options;
    try {
      if (await keeper.reload()) {
        log.info('key.changed');
        onChange();
      }
      const now = clock.now();
      const isDue = isDueForRotation(keeper.current, now) || (await hasNextIdentity(dataDir));
      if (!isDue || now < this.#retryAt) return;
      this.#retryAt = now + RetryMs;
      const turned = await rotateKey({ dataDir, platformUrl, identity: keeper.current, now });
      if (!turned.ok) {
        log.error('key.rotation_failed', { error: turned.failure.message });
        return;
      }
      log.info('key.rotated', { expires_at: turned.value.expiresAt });
      await keeper.reload();
      onChange();
    } catch (error) {
      log.error('key.unreadable', { error: String(error) });
    }
  }

  async close(): Promise<void> {
    await this.#busy;
  }
}
