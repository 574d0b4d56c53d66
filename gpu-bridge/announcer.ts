/**
 * Tells the platform, every few seconds and at once on a change, that this bridge lives and what it can serve.
 * One announcement at a time; the last one, on closing, says that it serves nothing any more.
 */
import { TokenTypes, type AnnouncedModel, type Announcement } from '../shared/contracts/inference.ts';
import { toUnixSeconds, type Clock } from '../shared/core/clock.ts';
import { describeError, type Logger } from '../shared/core/log.ts';
import type { PlatformClient } from './platform-client.ts';

export type AnnouncerOptions = {
  readonly platform: PlatformClient;
  readonly bridgeId: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly everyMs: number;
  readonly listModels: () => readonly AnnouncedModel[];
  readonly findDefaultModel: () => string | null;
};

export class Announcer {
  readonly #options: AnnouncerOptions;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #again = false;
  #closed = false;
  /** Whether the last one arrived; undefined before the first. Only changes are logged. */
  #heard: boolean | undefined;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  start(): void {
    this.announceNow();
    this.#timer = setInterval(() => this.announceNow(), this.#options.everyMs);
  }

  /** At once, or as soon as the one under way has ended. */
  announceNow(): void {
    if (this.#closed) return;
    if (this.#sending) {
      this.#again = true;
      return;
    }
    this.#sending = this.#send(this.#options.listModels(), this.#options.findDefaultModel()).then(() => {
      this.#sending = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.announceNow();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#sending;
    await this.#send([], null);
  }

  async #send(models: readonly AnnouncedModel[], defaultModel: string | null): Promise<void> {
    const { platform, bridgeId, clock, log } = this.#options;
    const iat = toUnixSeconds(clock.now());
    const payload: Announcement = { iss: bridgeId, iat, models: [...models], default_model: defaultModel };
    try {
      const { status } = await platform.post(
        '/bridge/v1/announce',
        TokenTypes.announce,
        payload,
        AbortSignal.timeout(5000),
      );
      if (status < 200 || status > 299) throw new Error(`the platform answered ${status}`);
      if (this.#heard !== true) log.info('announce.heard', { models: models.length });
      this.#heard = true;
    } catch (error) {
      if (this.#heard !== false) log.error('announce.failed', { error: describeError(error) });
      this.#heard = false;
    }
  }
}
