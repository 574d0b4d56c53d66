/**
 * Tells the platform, every few seconds and at once on a change, that this bridge lives and what it can serve.
 * One announcement at a time; the last one, on closing, says that it serves nothing any more.
 */
import {
  announcementAnswer,
  TokenTypes,
  type AnnouncedModel,
  type Announcement,
} from '../shared/contracts/inference.ts';
import { toUnixSeconds, type Clock } from '../shared/core/clock.ts';
import { describeError, type Logger } from '../shared/core/log.ts';
import type { JobKeys } from './job-keys.ts';
import type { NodePool } from './node-pool.ts';
import { describeRefusal, isGood, type PlatformClient } from './platform-client.ts';

const Heard = '';

export type AnnouncerOptions = {
  readonly platform: PlatformClient;
  readonly jobKeys: JobKeys;
  readonly bridgeId: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly everyMs: number;
  /** Says which states its nodes are in, and hears which of them the operator drains. */
  readonly pool: Pick<NodePool, 'listReports' | 'changes' | 'forgetChanges' | 'setDraining'>;
  readonly listModels: () => readonly AnnouncedModel[];
  readonly findDefaultModel: () => string | null;
};

export class Announcer {
  readonly #options: AnnouncerOptions;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #again = false;
  #closed = false;
  /** What became of the last one; undefined before the first. Only changes are logged. */
  #outcome: string | undefined;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.announceNow(), this.#options.everyMs);
    this.announceNow();
  }

  /** At once, or as soon as the one under way has ended; not before the start. */
  announceNow(): void {
    if (this.#closed || !this.#timer) return;
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
    const { platform, jobKeys, bridgeId, clock, log, pool } = this.#options;
    const iat = toUnixSeconds(clock.now());
    const { changes } = pool;
    const payload: Announcement = {
      iss: bridgeId,
      iat,
      models: [...models],
      default_model: defaultModel,
      nodes: pool.listReports(),
      node_changes: [...changes],
    };
    if (jobKeys.newest !== undefined) payload.job_key = jobKeys.newest;
    try {
      const answer = await platform.post(
        '/bridge/v1/announce',
        TokenTypes.announce,
        payload,
        AbortSignal.timeout(5000),
      );
      if (!isGood(answer)) throw new Error(describeRefusal(answer));
      if (this.#outcome !== Heard) log.info('announce.heard', { models: models.length });
      this.#outcome = Heard;
      pool.forgetChanges(changes);
      const given = announcementAnswer.safeParse(answer.body);
      // Known to the platform at once, so that the next job is signed with it.
      if (given.success) pool.setDraining(new Set(given.data.draining));
      if (given.success && (await jobKeys.take(given.data.job_key)) && !this.#closed) this.#again = true;
    } catch (error) {
      const why = describeError(error);
      if (this.#outcome !== why) log.error('announce.failed', { error: why });
      this.#outcome = why;
    }
  }
}
