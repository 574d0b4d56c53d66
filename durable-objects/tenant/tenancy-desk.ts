/** The desk of the tenancy itself: what it is, what is in force for it, whether it may act, which objects it has. */
import { RpcTarget } from 'cloudflare:workers';
import type { AgentId, ConversationId, WebhookId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import type { TenantProfile } from '../../shared/contracts/plans.ts';
import type { TenantStatus } from '../../shared/contracts/tenants.ts';
import type { AuditTrail } from './audit-trail.ts';
import type { Entitlements } from './entitlements.ts';
import type { EstateStore } from './estate-store.ts';
import type { KillSwitch } from './kill-switch.ts';
import type { SettingStore } from './setting-store.ts';

const statusActions = {
  active: 'tenant.reactivated',
  suspended: 'tenant.suspended',
  deleting: 'tenant.deletion_started',
} as const;

export type Tenancy = {
  readonly status: TenantStatus;
  readonly profile: TenantProfile | undefined;
  readonly runsStopped: boolean;
};

export class TenancyDesk extends RpcTarget {
  readonly #tenant: string;
  readonly #storage: DurableObjectStorage;
  readonly #settings: SettingStore;
  readonly #entitlements: Entitlements;
  readonly #killSwitch: Pick<KillSwitch, 'isTenantStopped'>;
  readonly #estate: EstateStore;
  readonly #trail: AuditTrail;

  constructor(
    tenant: string,
    storage: DurableObjectStorage,
    settings: SettingStore,
    entitlements: Entitlements,
    killSwitch: Pick<KillSwitch, 'isTenantStopped'>,
    estate: EstateStore,
    trail: AuditTrail,
  ) {
    super();
    this.#tenant = tenant;
    this.#storage = storage;
    this.#settings = settings;
    this.#entitlements = entitlements;
    this.#killSwitch = killSwitch;
    this.#estate = estate;
    this.#trail = trail;
  }

  describe(): Result<Tenancy> {
    const status = this.#settings.get('status') as TenantStatus | undefined;
    if (status === undefined) return err('not_found', 'There is no such tenant.');
    return ok({ status, profile: this.#entitlements.profile, runsStopped: this.#killSwitch.isTenantStopped });
  }

  /** Takes effect with the next request. The same profile again changes nothing and is not entered. */
  setProfile(profile: TenantProfile, actor: AuditActor): Result<undefined> {
    if (this.#settings.get('status') === undefined) return err('not_found', 'There is no such tenant.');
    const before = this.#entitlements.profile;
    if (JSON.stringify(before) === JSON.stringify(profile)) return ok();
    this.#storage.transactionSync(() => {
      const limits = Object.entries(profile.limits).flatMap(([name, limit]) =>
        limit === null ? [] : [`${name}=${limit}`],
      );
      const flags = Object.entries(profile.features).flatMap(([name, on]) => (on ? [name] : []));
      const details = { name: profile.name, plan: profile.plan.id, limits, features: flags };
      if (before) this.#trail.enter(actor, 'tenant.updated', { target: this.#tenant, details });
      // The setting last: it is kept in memory, and that is not rolled back.
      this.#entitlements.set(profile);
    });
    return ok();
  }

  /** A tenant that is being deleted never comes back. */
  setStatus(status: TenantStatus, actor: AuditActor): Result<undefined> {
    const before = this.#settings.get('status');
    if (before === undefined) return err('not_found', 'There is no such tenant.');
    if (before === status) return ok();
    if (before === 'deleting') return err('conflict', 'The tenant is being deleted.');
    this.#storage.transactionSync(() => {
      this.#trail.enter(actor, statusActions[status], { target: this.#tenant });
      this.#settings.set('status', status);
    });
    return ok();
  }

  /** The last step of a restoration. */
  imported(profile: TenantProfile, actor: AuditActor): Result<undefined> {
    const status = this.#settings.get('status');
    if (status === undefined) return err('invalid_request', 'The archive has no tenant in it.', { param: 'body' });
    this.#storage.transactionSync(() => {
      this.#trail.enter(actor, 'tenant.imported', { target: this.#tenant, details: { slug: profile.slug } });
      this.#entitlements.set(profile);
      if (status === 'deleting') this.#settings.set('status', 'suspended');
    });
    return ok();
  }

  /** An export is entered before it begins: it hands out everything. */
  exported(actor: AuditActor, withSecrets: boolean): void {
    this.#trail.enter(actor, 'tenant.exported', { target: this.#tenant, details: { secrets: withSecrets } });
  }

  agents(after: string, limit: number): AgentId[] {
    return this.#estate.agents(after, limit);
  }

  conversations(after: string, limit: number): ConversationId[] {
    return this.#estate.conversations(after, limit);
  }

  webhooks(after: string, limit: number): WebhookId[] {
    return this.#estate.webhooks(after, limit);
  }
}
