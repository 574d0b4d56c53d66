/**
 * One alarm for all of an object's duties. A duty tells from its own tables when it is due next, so no due time is kept
 * twice. An alarm never throws (the platform gives up on one after six retries): a duty that fails is logged and comes
 * back later, ever later up to a bound; neither it nor one that takes long holds up another; the alarm is always set again
 * while something is due or under way.
 */
import { computeBackoffMs } from '../../shared/core/backoff.ts';
import type { Clock } from '../../shared/core/clock.ts';

export type Duty = {
  readonly name: string;
  /** When there is something to do next; undefined: nothing. */
  readonly dueAt: () => number | undefined;
  /** Does some of what is due, in bounded time. What is left has its own due time. */
  readonly run: (now: number) => Promise<void> | void;
};

export type AlarmSetter = Pick<DurableObjectStorage, 'setAlarm' | 'deleteAlarm'>;

/** An alarm that goes on keeps the next one from ringing. */
const PatienceMs = 1_000;
const LookAfterMs = 30_000;
const FirstDelayMs = 1_000;
const LongestDelayMs = 5 * 60_000;

export class AlarmScheduler {
  readonly #storage: AlarmSetter;
  readonly #clock: () => Clock;
  readonly #duties: readonly Duty[];
  readonly #report: (duty: string, error: unknown) => void;
  /** Duties that failed, until they succeed: in memory alone, so that a new start tries them at once. */
  readonly #failed = new Map<string, { times: number; notBefore: number }>();
  /** Since when. */
  readonly #running = new Map<string, number>();
  #setFor: number | undefined;

  constructor(
    storage: AlarmSetter,
    clock: () => Clock,
    duties: readonly Duty[],
    report: (duty: string, error: unknown) => void,
  ) {
    this.#storage = storage;
    this.#clock = clock;
    this.#duties = duties;
    this.#report = report;
  }

  /** To be called when something became due, or due at another time. */
  async arm(): Promise<void> {
    const next = this.#duties.reduce<number | undefined>((earliest, duty) => {
      const due = this.#dueAt(duty);
      return due === undefined || (earliest !== undefined && earliest <= due) ? earliest : due;
    }, undefined);
    if (next === this.#setFor) return;
    this.#setFor = next;
    await (next === undefined ? this.#storage.deleteAlarm() : this.#storage.setAlarm(next));
  }

  /** The object's `alarm()`. Duties begin in their order; one that takes long goes on by itself, and holds up no other. */
  async ring(): Promise<void> {
    this.#setFor = undefined;
    const running: Promise<void>[] = [];
    for (const duty of this.#duties) {
      const now = this.#clock().now();
      const due = this.#dueAt(duty);
      if (due !== undefined && due <= now) running.push(this.#run(duty, now));
    }
    await this.arm();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#patienceMs())));
    await Promise.race([Promise.all(running), patience]);
    clearTimeout(timer);
    await this.arm();
  }

  /** Not beyond what is due next. */
  #patienceMs(): number {
    const untilNextMs = this.#setFor === undefined ? PatienceMs : this.#setFor - this.#clock().now();
    return Math.max(0, Math.min(PatienceMs, untilNextMs));
  }

  async #run(duty: Duty, now: number): Promise<void> {
    this.#running.set(duty.name, now);
    try {
      await duty.run(now);
      this.#failed.delete(duty.name);
    } catch (error) {
      this.#report(duty.name, error);
      const times = (this.#failed.get(duty.name)?.times ?? 0) + 1;
      const delayMs = computeBackoffMs(times - 1, {
        baseMs: FirstDelayMs,
        capMs: LongestDelayMs,
        random: Math.random,
      });
      this.#failed.set(duty.name, { times, notBefore: now + delayMs });
    } finally {
      this.#running.delete(duty.name);
      await this.arm();
    }
  }

  /** One that runs is looked after, so that an alarm is set should the isolate die with it. */
  #dueAt(duty: Duty): number | undefined {
    const since = this.#running.get(duty.name);
    if (since !== undefined) return since + (Math.floor((this.#clock().now() - since) / LookAfterMs) + 1) * LookAfterMs;
    const due = duty.dueAt();
    return due === undefined ? undefined : Math.max(due, this.#failed.get(duty.name)?.notBefore ?? 0);
  }
}
