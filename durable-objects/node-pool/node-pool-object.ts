/**
 * NodePoolObject: who the bridges of a pool are, and the routing table. A bridge counts as online while its announcements
 * come; models of an offline or a revoked bridge are not offered. What passes through a tunnel does not pass here.
 */
import { DurableObject } from 'cloudflare:workers';
import { systemClock, toIso, type Clock } from '../../shared/core/clock.ts';
import { mintId } from '../../shared/core/ids.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { Bridge, CreateEnrolment, Enrolment, EnrolRequest } from '../../shared/contracts/bridges.ts';
import type { Announcement } from '../../shared/contracts/inference.ts';
import type { InferenceNodeView, NodeReport } from '../../shared/contracts/nodes.ts';
import type { NodeLoad } from '../../shared/inference/balance.ts';
import type { PoolSnapshot } from '../../shared/inference/catalog.ts';
import { migrate } from '../runtime/migrate.ts';
import { decideEnrolment, KeyOverlapMs, keyExpiresAt, revokedMessage, validKeys } from './bridge-rules.ts';
import { modelsOf, NodePoolStore, recentModelsOf, type BridgeRow, type EnrolmentRow } from './node-pool-store.ts';
import { nodePoolMigrations } from './node-pool-migrations.ts';
import { NodeStore } from './node-store.ts';
import { describeNode, ListedChanges } from './node-view.ts';

/** Announcements come every two seconds; three may be lost. */
const OnlineMs = 8_000;
const ListedEnrolments = 100;

/** What a signature is checked with, and whether its maker is still one of ours. */
export type BridgeKeys = { readonly keys: readonly string[]; readonly revokedAt: number | null };

export class NodePoolObject extends DurableObject<object> {
  clock: Clock = systemClock;
  readonly #store: NodePoolStore;
  readonly #nodes: NodeStore;

  constructor(state: DurableObjectState, env: object) {
    super(state, env);
    migrate(state.storage, nodePoolMigrations);
    this.#store = new NodePoolStore(state.storage.sql);
    this.#nodes = new NodeStore(state.storage.sql);
  }

  createEnrolment(terms: CreateEnrolment): Result<Enrolment> {
    if (terms.bridge !== undefined) {
      const known = this.#store.find(terms.bridge);
      if (!known) return err('not_found', 'There is no such bridge.', { param: 'bridge' });
      if (known.revoked_at !== null) return err('conflict', 'This bridge was revoked; enrol a new one instead.');
    }
    const now = this.clock.now();
    return ok(this.#toEnrolment(this.#store.addEnrolment(mintId('enrolment', now), terms, now)));
  }

  listEnrolments(): Enrolment[] {
    return this.#store.listEnrolments(ListedEnrolments).map((row) => this.#toEnrolment(row));
  }

  /** `request` was signed with the key that it names; the edge has verified that, and the token's seal. */
  enrol(id: string, request: EnrolRequest): Result<Bridge> {
    return this.ctx.storage.transactionSync(() => {
      const now = this.clock.now();
      const enrolment = this.#store.findEnrolment(id);
      const known = this.#store.find(request.iss);
      const decision = decideEnrolment(enrolment, known, this.#store.keysOf(request.iss), request, now);
      if (!decision.ok || !enrolment) {
        const failure = decision.ok ? undefined : decision.failure;
        this.#store.refuseEnrolment(id, failure?.message ?? '');
        return failure ? { ok: false, failure } : err('not_found');
      }
      const row = this.#store.register(request, enrolment, now);
      this.#store.addKey(row.id, request.public_key.x, now);
      if (decision.value === 'replace_keys') this.#store.endOtherKeys(row.id, request.public_key.x, now);
      this.#store.useEnrolment(id, row.id, now);
      return ok(this.#toBridge(row));
    });
  }

  /** An attempt that the edge refused, for the operator to see. */
  noteRefusedEnrolment(id: string, reason: string): void {
    this.#store.refuseEnrolment(id, reason);
  }

  /** Asked again with the key that is current already, it answers the same: the first answer may have been lost. */
  rotate(id: string, x: string): Result<{ readonly previousUntil: number; readonly expiresAt: number }> {
    const keys = this.#store.keysOf(id);
    const now = this.clock.now();
    const known = keys.find((key) => key.x === x);
    if (known && known.ends_at !== null) return err('conflict', 'This key was replaced before; make another.');
    if (!known) {
      this.#store.addKey(id, x, now);
      this.#store.endOtherKeys(id, x, now + KeyOverlapMs);
    }
    const accepted = known ?? { x, accepted_at: now, ends_at: null };
    return ok({ previousUntil: accepted.accepted_at + KeyOverlapMs, expiresAt: keyExpiresAt(accepted) });
  }

  revoke(id: string): Result<Bridge> {
    this.#store.revoke(id, this.clock.now());
    const row = this.#store.find(id);
    return row ? ok(this.#toBridge(row)) : err('not_found');
  }

  list(): Bridge[] {
    return this.#store.list().map((row) => this.#toBridge(row));
  }

  findKeys(id: string): Result<BridgeKeys> {
    const row = this.#store.find(id);
    if (!row) return err('invalid_api_key', 'This bridge is not enrolled here.');
    const keys = validKeys(id, this.#store.keysOf(id), this.clock.now());
    return keys.ok ? ok({ keys: keys.value, revokedAt: row.revoked_at }) : keys;
  }

  /** Whether the bridge may open a tunnel with this token now; it may not with the same one again. */
  admitTunnel(id: string, token: string, until: number): Result<undefined> {
    const row = this.#store.find(id);
    if (!row || row.revoked_at !== null) return err('permission_denied', revokedMessage);
    if (row.transport !== 'tunnel') {
      return err('permission_denied', 'This bridge is enrolled for plain HTTP. Enrol it again to use a tunnel.');
    }
    return this.#store.useToken(token, until, this.clock.now())
      ? ok()
      : err('invalid_api_key', 'This tunnel token was used before.');
  }

  /** `announcement` was signed by the bridge that it names; the edge has verified that. Answers which nodes to drain. */
  announce(announcement: Announcement): Result<readonly string[]> {
    if (this.#store.find(announcement.iss)?.revoked_at !== null) return err('permission_denied', revokedMessage);
    const { iss, nodes = [], node_changes: changes = [] } = announcement;
    this.ctx.storage.transactionSync(() => {
      this.#store.announce(announcement, this.clock.now());
      this.#nodes.note(iss, nodes, changes);
    });
    return ok(this.#nodes.listDrained(iss));
  }

  listNodes(): InferenceNodeView[] {
    const rows = this.#store.list().filter((row) => row.revoked_at === null);
    return rows.flatMap((row) => this.#nodes.listReports(row.id).map((report) => this.#toNode(row, report)));
  }

  /** The bridge hears it with the answer to its next announcement. */
  drainNode(bridge: string, node: string, isDrained: boolean): Result<InferenceNodeView> {
    const row = this.#store.find(bridge);
    const report = this.#nodes.listReports(bridge).find((each) => each.name === node);
    if (!row || row.revoked_at !== null || !report) return err('not_found');
    this.#nodes.setDrained(bridge, node, isDrained);
    return ok(this.#toNode(row, report));
  }

  snapshot(): PoolSnapshot {
    const rows = this.#store.list().filter((row) => row.revoked_at === null);
    const online = rows.filter((row) => this.#isOnline(row));
    return {
      recentModels: rows.flatMap((row) => Object.keys(recentModelsOf(row, this.clock.now()))),
      bridges: online.map((row) => ({
        id: row.id,
        transport: row.transport,
        url: row.url,
        jobKey: row.job_key ?? undefined,
        name: row.name,
        models: modelsOf(row),
        nodes: this.#nodes.listReports(row.id).flatMap(toLoad),
      })),
      defaultModel: online.find((row) => row.default_model !== null)?.default_model ?? null,
    };
  }

  #isOnline(row: BridgeRow): boolean {
    return row.seen_at !== null && this.clock.now() - row.seen_at < OnlineMs;
  }

  #toNode(row: BridgeRow, report: NodeReport): InferenceNodeView {
    return describeNode(report, {
      bridge: row.id,
      isOnline: this.#isOnline(row),
      draining: this.#nodes.listDrained(row.id).includes(report.name),
      changes: this.#nodes.listChanges(row.id, report.name, ListedChanges),
    });
  }

  #toBridge(row: BridgeRow): Bridge {
    const [newest] = this.#store.keysOf(row.id);
    return {
      object: 'bridge',
      id: row.id,
      name: row.name,
      transport: row.transport,
      url: row.url || null,
      status: row.revoked_at !== null ? 'revoked' : this.#isOnline(row) ? 'online' : 'offline',
      models: modelsOf(row).map((model) => model.id),
      registered_at: toIso(row.registered_at),
      last_seen_at: toIsoOrNull(row.seen_at),
      key_expires_at: newest ? toIso(keyExpiresAt(newest)) : null,
      revoked_at: toIsoOrNull(row.revoked_at),
    };
  }

  #toEnrolment(row: EnrolmentRow): Enrolment {
    const open = this.clock.now() < row.expires_at ? 'open' : 'expired';
    return {
      object: 'bridge_enrolment',
      id: row.id,
      name: row.name,
      transport: row.transport,
      bridge: row.bridge,
      status: row.used_at === null ? open : 'used',
      created_at: toIso(row.created_at),
      expires_at: toIso(row.expires_at),
      used_at: toIsoOrNull(row.used_at),
      refusals: row.refusals,
      last_refusal: row.last_refusal,
    };
  }
}

/** What it has to do, where it gets jobs now. */
function toLoad({ name, state, models, outstanding, waiting }: NodeReport): NodeLoad[] {
  return state === 'ready' || state === 'half_open' ? [{ name, models, jobs: outstanding + (waiting ?? 0) }] : [];
}

function toIsoOrNull(ms: number | null): string | null {
  return ms === null ? null : toIso(ms);
}
