/**
 * What is in force for a tenant: its plan's features and limits, with its overrides. A tenant that was never told of any
 * has no limits. Whoever makes something that a plan counts asks here first, in the same transaction.
 */
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { RateLimit } from '../../shared/contracts/keys.ts';
import {
  noLimits,
  type Features,
  type LimitName,
  type PlanLimits,
  type TenantProfile,
} from '../../shared/contracts/plans.ts';
import { DefaultRetentionDays } from './event-log.ts';
import type { SettingStore } from './setting-store.ts';

const counted: Readonly<Partial<Record<LimitName, string>>> = {
  agents: 'agents',
  keys: 'active keys',
  domains: 'custom hostnames',
};

export class Entitlements {
  readonly #settings: SettingStore;

  constructor(settings: SettingStore) {
    this.#settings = settings;
  }

  get profile(): TenantProfile | undefined {
    const text = this.#settings.get('profile');
    return text === undefined ? undefined : (JSON.parse(text) as TenantProfile);
  }

  set(profile: TenantProfile): void {
    this.#settings.set('profile', JSON.stringify(profile));
  }

  get limits(): PlanLimits {
    return this.profile?.limits ?? noLimits;
  }

  /** What all callers of the tenant may use together. */
  get rateLimit(): RateLimit {
    const { requests_per_minute, tokens_per_minute, concurrency } = this.limits;
    return {
      ...(requests_per_minute === null ? {} : { requests_per_minute }),
      ...(tokens_per_minute === null ? {} : { tokens_per_minute }),
      ...(concurrency === null ? {} : { concurrent_runs: concurrency }),
    };
  }

  get eventRetentionDays(): number {
    return this.limits.event_retention_days ?? DefaultRetentionDays;
  }

  get features(): Features {
    return this.profile?.features ?? {};
  }

  /** Whether there may be one more than there are. */
  requireRoom(name: LimitName, present: number): Result<undefined> {
    const limit = this.limits[name];
    if (limit === null || present < limit) return ok();
    const plan = this.profile?.plan.id ?? '';
    return err(
      'plan_limit_reached',
      `The plan "${plan}" allows ${limit} ${counted[name] ?? name}, and there are ${present}. ` +
        'Remove one, or ask the operator for another plan.',
    );
  }
}
