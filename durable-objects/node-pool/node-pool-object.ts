/**
 * NodePoolObject: the routing table of a pool of bridges. A bridge counts as online while its announcements come;
 * models of an offline bridge are not offered.
 */
import { DurableObject } from 'cloudflare:workers';
import { systemClock, toIso, type Clock } from '../../shared/core/clock.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { Announcement } from '../../shared/contracts/inference.ts';
import type { Bridge, RegisterBridge } from '../../shared/contracts/tenants.ts';
import type { PoolSnapshot } from '../../shared/inference/catalog.ts';
import { migrate } from '../runtime/migrate.ts';
import { modelsOf, NodePoolStore, recentModelsOf, type BridgeRow } from './node-pool-store.ts';
import { nodePoolMigrations } from './node-pool-migrations.ts';

/** Announcements come every two seconds; three may be lost. */
const OnlineMs = 8_000;

export type BridgeKey = { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string };

export class NodePoolObject extends DurableObject<object> {
  clock: Clock = systemClock;
  readonly #store: NodePoolStore;

  constructor(state: DurableObjectState, env: object) {
    super(state, env);
    migrate(state.storage, nodePoolMigrations);
    this.#store = new NodePoolStore(state.storage.sql);
  }

  register(bridge: RegisterBridge): Bridge {
    return this.#toBridge(this.#store.register(bridge, this.clock.now()));
  }

  list(): Bridge[] {
    return this.#store.list().map((row) => this.#toBridge(row));
  }

  findKey(id: string): Result<BridgeKey> {
    const row = this.#store.find(id);
    return row ? ok(JSON.parse(row.public_key) as BridgeKey) : err('invalid_api_key', 'This bridge is not registered.');
  }

  /** `announcement` was signed by the bridge that it names; the edge has verified that. */
  announce(announcement: Announcement): void {
    this.#store.announce(announcement, this.clock.now());
  }

  snapshot(): PoolSnapshot {
    const rows = this.#store.list();
    const online = rows.filter((row) => this.#isOnline(row));
    return {
      recentModels: rows.flatMap((row) => Object.keys(recentModelsOf(row, this.clock.now()))),
      bridges: online.map((row) => ({ id: row.id, url: row.url, models: modelsOf(row) })),
      defaultModel: online.find((row) => row.default_model !== null)?.default_model ?? null,
    };
  }

  #isOnline(row: BridgeRow): boolean {
    return row.seen_at !== null && this.clock.now() - row.seen_at < OnlineMs;
  }

  #toBridge(row: BridgeRow): Bridge {
    return {
      object: 'bridge',
      id: row.id,
      name: row.name,
      url: row.url,
      status: this.#isOnline(row) ? 'online' : 'offline',
      models: modelsOf(row).map((model) => model.id),
      registered_at: toIso(row.registered_at),
      last_seen_at: row.seen_at === null ? null : toIso(row.seen_at),
    };
  }
}
