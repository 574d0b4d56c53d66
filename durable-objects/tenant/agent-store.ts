/** All SQL about agents, their immutable versions, and the pointer that publishing moves per environment. */
import { err, ok, type Result } from '../../shared/core/result.ts';
import { toIso } from '../../shared/core/clock.ts';
import type { AgentId } from '../../shared/core/ids.ts';
import type { LiveAgent } from '../../shared/contracts/admission.ts';
import { diffJson } from '../../shared/core/diff-json.ts';
import type {
  Agent,
  AgentDefinition,
  AgentDiff,
  AgentVersion,
  CreateAgent,
  Environment,
  GreetingCount,
  UpdateAgent,
} from '../../shared/contracts/agents.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import { AgentModelPrefix } from '../../shared/contracts/models.ts';

type AgentRow = {
  id: AgentId;
  slug: string;
  name: string;
  version: number;
  created_at: number;
  updated_at: number;
  suspended_at: number | null;
};
type VersionRow = { agent_id: AgentId; version: number; definition: string; created_at: number };

const allEnvironments: readonly Environment[] = ['dev', 'staging', 'prod'];

const noAgent = () => err('not_found', 'There is no such agent.');

export class AgentStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the agent and publishes version 1 where it is asked to, or finds what an earlier run of the request created. */
  create(id: AgentId, agent: CreateAgent, now: number): Result<Agent> {
    const taken = this.#sql.exec<AgentRow>('SELECT * FROM agents WHERE slug = ?', agent.slug).toArray()[0];
    if (taken && taken.id !== id) {
      return err('conflict', `An agent with the slug "${agent.slug}" exists already.`, { param: 'slug' });
    }
    if (!taken) {
      this.#sql.exec(
        'INSERT INTO agents (id, slug, name, version, created_at, updated_at) VALUES (?, ?, ?, 0, ?, ?)',
        id,
        agent.slug,
        agent.name,
        now,
        now,
      );
      const version = this.#addVersion(id, agent.definition, now);
      for (const environment of new Set(agent.publish ?? allEnvironments)) this.#point(id, environment, version, now);
    }
    return this.find(id);
  }

  count(): number {
    return this.#sql.exec<{ count: number }>('SELECT COUNT(*) AS count FROM agents').one().count;
  }

  find(ref: string): Result<Agent> {
    const row = this.#findRow(ref);
    return row ? ok(this.#toAgent(row)) : noAgent();
  }

  list(limit: number, cursor: string | undefined): List<Agent> {
    const rows = this.#sql
      .exec<AgentRow>('SELECT * FROM agents WHERE id > ? ORDER BY id LIMIT ?', cursor ?? '', limit + 1)
      .toArray();
    return toList(
      rows.map((row) => this.#toAgent(row)),
      limit,
      (agent) => agent.id,
    );
  }

  update(ref: string, change: UpdateAgent, now: number): Result<Agent> {
    const row = this.#findRow(ref);
    if (!row) return noAgent();
    this.#sql.exec('UPDATE agents SET name = ?, updated_at = ? WHERE id = ?', change.name ?? row.name, now, row.id);
    if (change.definition) {
      const version = this.#addVersion(row.id, change.definition, now);
      if (change.publish) this.#point(row.id, 'prod', version, now);
    }
    return this.find(row.id);
  }

  delete(ref: string): Result<AgentId> {
    const row = this.#findRow(ref);
    if (!row) return noAgent();
    for (const table of ['agent_versions', 'publications', 'greeting_counts'])
      this.#sql.exec(`DELETE FROM ${table} WHERE agent_id = ?`, row.id);
    this.#sql.exec('DELETE FROM agents WHERE id = ?', row.id);
    return ok(row.id);
  }

  versions(ref: string, limit: number, cursor: string | undefined): Result<List<AgentVersion>> {
    const row = this.#findRow(ref);
    if (!row) return noAgent();
    const before = cursor === undefined ? row.version + 1 : Number.parseInt(cursor, 10);
    const rows = this.#sql
      .exec<VersionRow>(
        'SELECT * FROM agent_versions WHERE agent_id = ? AND version < ? ORDER BY version DESC LIMIT ?',
        row.id,
        Number.isSafeInteger(before) ? before : 0,
        limit + 1,
      )
      .toArray();
    return ok(toList(rows.map(toVersion), limit, (version) => String(version.version)));
  }

  /** By default the newest version, and the one before `to`. */
  diff(ref: string, from: number | undefined, to: number | undefined): Result<AgentDiff> {
    const row = this.#findRow(ref);
    if (!row) return noAgent();
    const newer = to ?? row.version;
    const older = from ?? Math.max(1, newer - 1);
    const [before, after] = [this.#findVersion(row.id, older), this.#findVersion(row.id, newer)];
    if (!before) return err('not_found', `The agent has no version ${older}.`, { param: 'from' });
    if (!after) return err('not_found', `The agent has no version ${newer}.`, { param: 'to' });
    const changes = diffJson(JSON.parse(before.definition), JSON.parse(after.definition));
    return ok({ object: 'agent.diff', agent: row.id, from: older, to: newer, changes });
  }

  /** A variant of the greeting was shown once more. */
  countGreeting(agentId: AgentId, version: number, variant: string): void {
    this.#sql.exec(
      `INSERT INTO greeting_counts (agent_id, version, variant, shown) SELECT id, ?2, ?3, 1 FROM agents WHERE id = ?1
       ON CONFLICT DO UPDATE SET shown = shown + 1`,
      agentId,
      version,
      variant,
    );
  }

  /** Newest version first, then by name. */
  greetingCounts(ref: string, limit: number, cursor: string | undefined): Result<List<GreetingCount>> {
    const row = this.#findRow(ref);
    if (!row) return noAgent();
    const [version, variant = ''] = (cursor ?? `${row.version + 1}/`).split('/');
    const rows = this.#sql
      .exec<{ version: number; variant: string; shown: number }>(
        `SELECT version, variant, shown FROM greeting_counts
         WHERE agent_id = ?1 AND (version < ?2 OR (version = ?2 AND variant > ?3))
         ORDER BY version DESC, variant LIMIT ?4`,
        row.id,
        Number(version) || 0,
        variant,
        limit + 1,
      )
      .toArray();
    const counts = rows.map((each) => ({ object: 'agent.greeting' as const, ...each }));
    return ok(toList(counts, limit, (each) => `${each.version}/${each.variant}`));
  }

  addVersion(ref: string, definition: AgentDefinition, now: number): Result<AgentVersion> {
    const row = this.#findRow(ref);
    if (!row) return noAgent();
    const version = this.#addVersion(row.id, definition, now);
    return ok(toVersion(this.#findVersion(row.id, version)!));
  }

  publish(ref: string, version: number, environment: Environment, now: number): Result<Agent> {
    const row = this.#findRow(ref);
    if (!row) return noAgent();
    if (!this.#findVersion(row.id, version)) {
      return err('not_found', `The agent has no version ${version}.`, { param: 'version' });
    }
    this.#point(row.id, environment, version, now);
    return this.find(row.id);
  }

  /** Points back at the version that was live before the present one. */
  rollback(ref: string, environment: Environment, now: number): Result<Agent> {
    const row = this.#findRow(ref);
    if (!row) return noAgent();
    const current = this.#published(row.id, environment);
    const previous = this.#sql
      .exec<{ version: number }>(
        `SELECT version FROM publications WHERE agent_id = ? AND environment = ? AND version <> ?
         ORDER BY position DESC LIMIT 1`,
        row.id,
        environment,
        current ?? 0,
      )
      .toArray()[0];
    if (!previous)
      return err('conflict', `No earlier version was published to ${environment}.`, { param: 'environment' });
    this.#point(row.id, environment, previous.version, now);
    return this.find(row.id);
  }

  /** The agent as a caller in this environment meets it. */
  findLive(ref: string, environment: Environment): LiveAgent | undefined {
    const row = this.#findRow(ref);
    const version = row && this.#published(row.id, environment);
    return row && version !== undefined ? this.#atVersion(row, version) : undefined;
  }

  /** Its newest version, live anywhere or not. */
  findNewest(ref: string): LiveAgent | undefined {
    const row = this.#findRow(ref);
    return row && this.#atVersion(row, row.version);
  }

  findAtVersion(ref: string, version: number): LiveAgent | undefined {
    const row = this.#findRow(ref);
    return row && this.#atVersion(row, version);
  }

  #atVersion(row: AgentRow, version: number): LiveAgent | undefined {
    const stored = this.#findVersion(row.id, version);
    return (
      stored && {
        id: row.id,
        slug: row.slug,
        name: row.name,
        version: stored.version,
        definition: JSON.parse(stored.definition) as AgentDefinition,
      }
    );
  }

  isSuspended(id: AgentId): boolean {
    return this.#findRow(id)?.suspended_at != null;
  }

  /** With null it may run again. */
  setSuspended(ref: string, suspendedAt: number | null): Result<Agent> {
    this.#sql.exec(
      `UPDATE agents SET suspended_at = CASE WHEN ?2 IS NULL THEN NULL ELSE COALESCE(suspended_at, ?2) END
       WHERE id = ?1 OR slug = ?1`,
      ref,
      suspendedAt,
    );
    return this.find(ref);
  }

  #findRow(ref: string): AgentRow | undefined {
    return this.#sql.exec<AgentRow>('SELECT * FROM agents WHERE id = ?1 OR slug = ?1', ref).toArray()[0];
  }

  #findVersion(agentId: AgentId, version: number): VersionRow | undefined {
    return this.#sql
      .exec<VersionRow>('SELECT * FROM agent_versions WHERE agent_id = ? AND version = ?', agentId, version)
      .toArray()[0];
  }

  #addVersion(agentId: AgentId, definition: AgentDefinition, now: number): number {
    const { version } = this.#sql
      .exec<{ version: number }>(
        'UPDATE agents SET version = version + 1, updated_at = ? WHERE id = ? RETURNING version',
        now,
        agentId,
      )
      .one();
    this.#sql.exec(
      'INSERT INTO agent_versions (agent_id, version, definition, created_at) VALUES (?, ?, ?, ?)',
      agentId,
      version,
      JSON.stringify(definition),
      now,
    );
    return version;
  }

  #point(agentId: AgentId, environment: Environment, version: number, now: number): void {
    this.#sql.exec(
      'INSERT INTO publications (agent_id, environment, version, published_at) VALUES (?, ?, ?, ?)',
      agentId,
      environment,
      version,
      now,
    );
  }

  #published(agentId: AgentId, environment: Environment): number | undefined {
    return this.#sql
      .exec<{ version: number }>(
        'SELECT version FROM publications WHERE agent_id = ? AND environment = ? ORDER BY position DESC LIMIT 1',
        agentId,
        environment,
      )
      .toArray()[0]?.version;
  }

  #toAgent(row: AgentRow): Agent {
    return {
      object: 'agent',
      id: row.id,
      slug: row.slug,
      name: row.name,
      model: `${AgentModelPrefix}${row.slug}`,
      version: row.version,
      published: {
        dev: this.#published(row.id, 'dev') ?? null,
        staging: this.#published(row.id, 'staging') ?? null,
        prod: this.#published(row.id, 'prod') ?? null,
      },
      definition: JSON.parse(this.#findVersion(row.id, row.version)!.definition) as AgentDefinition,
      suspended_at: row.suspended_at === null ? null : toIso(row.suspended_at),
      created_at: toIso(row.created_at),
      updated_at: toIso(row.updated_at),
    };
  }
}

function toVersion(row: VersionRow): AgentVersion {
  return {
    object: 'agent.version',
    agent: row.agent_id,
    version: row.version,
    definition: JSON.parse(row.definition) as AgentDefinition,
    created_at: toIso(row.created_at),
  };
}
