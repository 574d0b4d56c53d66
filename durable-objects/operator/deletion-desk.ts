/**
 * Deletes tenants. A deletion closes the tenant, erases every part of its estate, queries all of it again, and only when
 * nothing is left erases the tenant's own object and signs the certificate. Each step is noted before the next, and every
 * step may be repeated: after a crash the alarm goes on where the notes end.
 */
import { RpcTarget } from 'cloudflare:workers';
import { toIso, toUnixSeconds, type Clock } from '../../shared/core/clock.ts';
import { FailureError } from '../../shared/core/failure.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import {
  documentedRemains,
  SlugRestMs,
  type DeletionCertificate,
  type TenantDeletion,
} from '../../shared/contracts/deletions.ts';
import { PlatformKey } from '../../shared/inference/platform-key.ts';
import { retainedTables } from '../../shared/store/tenant-rows.ts';
import { Estate, required, type EstatePart } from '../estate.ts';
import type { Duty } from '../runtime/alarm-scheduler.ts';
import { Objects, type Platform } from '../stubs.ts';
import type { AuditTrail } from '../tenant/audit-trail.ts';
import type { Deletion, DeletionStore, Erased } from './deletion-store.ts';

/** What was admitted before the tenant was closed is over by then: leases last 0.9 s, and running turns ask as often. */
const SettleMs = 2_000;
/** How much of its time one run of the duty takes; what is left has its own. */
const StretchMs = 5_000;
const PartsAtOnce = 16;
const system: AuditActor = { kind: 'system', id: 'system' };

export class DeletionDesk extends RpcTarget {
  readonly #store: DeletionStore;
  readonly #trail: AuditTrail;
  readonly #platform: Platform;
  readonly #objects: Objects;
  readonly #clock: () => Clock;
  readonly #arm: () => Promise<void>;
  /** One at a time: the alarm and a caller who waits share it. */
  #running: Promise<void> | undefined;

  constructor(
    store: DeletionStore,
    trail: AuditTrail,
    platform: Platform,
    clock: () => Clock,
    arm: () => Promise<void>,
  ) {
    super();
    this.#store = store;
    this.#trail = trail;
    this.#platform = platform;
    this.#objects = new Objects(platform);
    this.#clock = clock;
    this.#arm = arm;
  }

  get duty(): Duty {
    return {
      name: 'deletions',
      dueAt: () => this.#store.dueAt(),
      run: () => this.#work(),
    };
  }

  /** Begins, or tells how far it is. A tenant that is deleted has its certificate. */
  async delete(tenant: TenantId): Promise<Result<TenantDeletion>> {
    if (!this.#store.find(tenant)) {
      const found = await this.#objects.directory().find(tenant);
      if (!found.ok) return found.failure.code === 'not_found' ? this.#findCertificate(tenant) : found;
      this.#store.begin(tenant, found.value.slug, this.#clock().now());
      await this.#arm();
    }
    return this.describe(tenant);
  }

  async describe(tenant: TenantId): Promise<Result<TenantDeletion>> {
    const deletion = this.#store.find(tenant);
    if (!deletion) return this.#findCertificate(tenant);
    return ok({
      object: 'tenant.deletion',
      id: tenant,
      status: 'running',
      phase: deletion.phase,
      started_at: toIso(deletion.startedAt),
      rows_erased: Object.values(deletion.erased).reduce((sum, rows) => sum + rows, 0),
      slug_free_at: null,
      certificate: null,
    });
  }

  async #findCertificate(tenant: TenantId): Promise<Result<TenantDeletion>> {
    const buried = await this.#objects.directory().findTombstone(tenant);
    if (!buried.ok) return buried;
    if (!buried.value) return err('not_found', 'There is no such tenant.');
    return ok({
      object: 'tenant.deletion',
      id: tenant,
      status: 'done',
      phase: null,
      started_at: null,
      rows_erased: null,
      slug_free_at: toIso(buried.value.slugFreeAt),
      certificate: buried.value.certificate,
    });
  }

  #work(): Promise<void> {
    this.#running ??= this.#stretch().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #stretch(): Promise<void> {
    const until = this.#clock().now() + StretchMs;
    for (const deletion of this.#store.due(this.#clock().now())) {
      let at: Deletion | undefined = deletion;
      while (at && at.dueAt <= this.#clock().now() && this.#clock().now() < until) {
        at = await this.#step(at, until);
        if (at) this.#store.keep(at);
      }
    }
  }

  /** One phase, or as much of it as fits. Undefined when the deletion is over. */
  #step(deletion: Deletion, until: number): Promise<Deletion | undefined> {
    const estate = new Estate(this.#platform, deletion.tenant, deletion.shards);
    switch (deletion.phase) {
      case 'closing':
        return this.#close(deletion, estate);
      case 'erasing':
        return this.#erase(deletion, estate, until);
      case 'proving':
        return this.#prove(deletion, estate);
      case 'certifying':
        return this.#certify(deletion, estate);
    }
  }

  /** From here on nothing of the tenant is admitted, and no hostname leads to it. */
  async #close(deletion: Deletion, estate: Estate): Promise<Deletion> {
    const { tenant } = deletion;
    const object = this.#objects.tenant(tenant);
    must(await this.#objects.directory().setStatus(tenant, 'deleting'));
    const closed = await required(object.tenancy.setStatus('deleting', { kind: 'operator', id: 'operator' }));
    // An object that was never born, or was erased before the crash, has nothing to close.
    if (!closed.ok && closed.failure.code !== 'not_found') throw new FailureError(closed.failure);
    await required(object.domains.release());
    const { head } = await required(object.audit.page(Number.MAX_SAFE_INTEGER, 1));
    return {
      ...deletion,
      phase: 'erasing',
      dueAt: this.#clock().now() + SettleMs,
      auditHead: deletion.auditHead ?? { sequence: head.sequence, hash: head.hash },
      shards: await estate.vectorShards(),
    };
  }

  async #erase(deletion: Deletion, estate: Estate, until: number): Promise<Deletion> {
    const erased: Record<string, number> = { ...deletion.erased };
    const from = deletion.cursor === null ? undefined : (JSON.parse(deletion.cursor) as EstatePart);
    let at: Deletion = deletion;
    let batch: EstatePart[] = [];
    const flush = async () => {
      const counts = await Promise.all(
        batch.map(async (part) => [part, await required(estate.holding(part).erase())] as const),
      );
      for (const [{ holder }, census] of counts) add(erased, holder, census);
      const last = batch.at(-1);
      batch = [];
      at = { ...at, erased, ...(last ? { cursor: JSON.stringify(last) } : {}) };
      this.#store.keep(at);
    };
    for await (const part of estate.parts(from)) {
      if (part.holder === 'TENANT') continue;
      batch.push(part);
      if (batch.length < PartsAtOnce) continue;
      await flush();
      if (this.#clock().now() >= until) return at;
    }
    await flush();
    await estate.forgetVectors();
    for (const table of must(await estate.rows.tables())) {
      if (retainedTables.includes(table)) continue;
      for (let rows = 1; rows > 0;) {
        rows = must(await estate.rows.erase(estate.scope, table));
        if (rows > 0) add(erased, 'D1', { [table]: rows });
        at = { ...at, erased };
        this.#store.keep(at);
      }
    }
    return { ...at, phase: 'proving', cursor: null };
  }

  /** Queries everything again. What came in the meantime is erased in another round. */
  async #prove(deletion: Deletion, estate: Estate): Promise<Deletion> {
    for await (const part of estate.parts()) {
      if (part.holder === 'TENANT') continue;
      if (sum(await required(estate.holding(part).census())) > 0)
        return { ...deletion, phase: 'erasing', cursor: null };
    }
    for (const table of must(await estate.rows.tables())) {
      if (retainedTables.includes(table)) continue;
      if (must(await estate.rows.count(estate.scope, table)) > 0)
        return { ...deletion, phase: 'erasing', cursor: null };
    }
    return { ...deletion, phase: 'certifying' };
  }

  async #certify(deletion: Deletion, estate: Estate): Promise<undefined> {
    const { tenant, slug } = deletion;
    const own = estate.holding({ holder: 'TENANT', name: tenant });
    const erased: Record<string, number> = { ...deletion.erased };
    // The tenant's object knew where everything was; so it goes last, when there is nothing left to be found.
    const parts = await countParts(estate);
    add(erased, 'TENANT', await required(own.erase()));
    this.#store.keep({ ...deletion, erased });
    const left = sum(await required(own.census()));
    if (left > 0) throw new Error(`the tenant's object still holds ${left} rows`);
    const retained = [];
    for (const table of retainedTables) {
      if (!must(await estate.rows.tables()).includes(table)) continue;
      const rows = must(await estate.rows.count(estate.scope, table));
      if (rows > 0) retained.push({ store: `D1.${table}`, rows });
    }
    const now = this.#clock().now();
    const certificate: DeletionCertificate = {
      iss: 'freehold',
      sub: tenant,
      iat: toUnixSeconds(now),
      slug,
      started_at: toIso(deletion.startedAt),
      completed_at: toIso(now),
      audit_head: deletion.auditHead ?? { sequence: 0, hash: '' },
      stores: Object.entries(erased)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([store, rows]) => ({ store, erased: rows, left: 0 })),
      parts,
      retained,
      remains: [...documentedRemains],
    };
    const signer = await PlatformKey.parse(this.#platform.PLATFORM_SIGNING_KEY);
    const signed = await signer.signCertificate(certificate);
    must(
      await this.#objects
        .directory()
        .bury({ id: tenant, slug, deletedAt: now, slugFreeAt: now + SlugRestMs, certificate: signed }),
    );
    this.#store.end(tenant);
    this.#trail.enter(system, 'operator.acted', { target: tenant, details: { operation: 'tenantDeleted', parts } });
    return undefined;
  }
}

async function countParts(estate: Estate): Promise<number> {
  let count = 0;
  for await (const _ of estate.parts()) count += 1;
  return count + must(await estate.rows.tables()).length;
}

function add(erased: Record<string, number>, holder: string, census: Erased): void {
  for (const [table, rows] of Object.entries(census)) {
    const store = `${holder}.${table}`;
    erased[store] = (erased[store] ?? 0) + rows;
  }
}

function sum(census: Erased): number {
  return Object.values(census).reduce((total, rows) => total + rows, 0);
}

/** A step cannot go on without the answer; the duty reports it and tries again. */
function must<T>(result: Result<T>): T {
  if (!result.ok) throw new FailureError(result.failure);
  return result.value;
}
