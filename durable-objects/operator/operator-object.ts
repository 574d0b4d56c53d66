/**
 * OperatorObject: one for the platform. It keeps the operator's audit trail, the same chain as a tenant's, and carries
 * out what the operator has begun and what takes longer than a request: the deletion of tenants.
 */
import { DurableObject } from 'cloudflare:workers';
import { systemClock, type Clock } from '../../shared/core/clock.ts';
import { describeError, jsonLogger } from '../../shared/core/log.ts';
import type { AuditActor, AuditDetails } from '../../shared/contracts/audit.ts';
import { OperatorTrail } from '../../shared/store/audit-chain.ts';
import { AlarmScheduler } from '../runtime/alarm-scheduler.ts';
import { migrate } from '../runtime/migrate.ts';
import type { Platform } from '../stubs.ts';
import { AuditDesk } from '../tenant/audit-desk.ts';
import { AuditTrail } from '../tenant/audit-trail.ts';
import { DeletionDesk } from './deletion-desk.ts';
import { DeletionStore } from './deletion-store.ts';
import { operatorMigrations } from './operator-migrations.ts';

export class OperatorObject extends DurableObject<Platform> {
  clock: Clock = systemClock;
  readonly #trail: AuditTrail;
  readonly #auditDesk: AuditDesk;
  readonly #deletions: DeletionDesk;
  readonly #alarms: AlarmScheduler;

  constructor(state: DurableObjectState, env: Platform) {
    super(state, env);
    migrate(state.storage, operatorMigrations);
    const clock = () => this.clock;
    const log = jsonLogger(() => this.clock.now(), { object: 'operator' });
    this.#trail = new AuditTrail(state.storage, OperatorTrail, undefined, clock);
    this.#auditDesk = new AuditDesk(this.#trail);
    const store = new DeletionStore(state.storage.sql);
    this.#deletions = new DeletionDesk(store, this.#trail, env, clock, () => this.#alarms.arm());
    this.#alarms = new AlarmScheduler(state.storage, clock, [this.#deletions.duty], (duty, error) =>
      log.error('operator.duty_failed', { duty, reason: describeError(error) }),
    );
  }

  get audit(): AuditDesk {
    return this.#auditDesk;
  }

  get deletions(): DeletionDesk {
    return this.#deletions;
  }

  /** What the operator did, or was refused. */
  enter(actor: AuditActor, target: string | null, details: AuditDetails, outcome: 'succeeded' | 'refused'): void {
    this.#trail.enter(actor, 'operator.acted', { target, details }, outcome);
  }

  enterAuthFailure(claimed: AuditActor, reason: string, times = 1): void {
    this.#trail.enterAuthFailure(claimed, reason, times);
  }

  override alarm(): Promise<void> {
    return this.#alarms.ring();
  }
}
