/** The registry of models in D1. Nothing is changed: each state is a revision, and going back is one more. */
import type { D1Database } from '@cloudflare/workers-types';
import { asc, desc, eq, sql } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import { err, ok, type Result } from '../core/result.ts';
import type { ModelDefinition } from '../contracts/model-registry.ts';
import { attempt, isUniqueViolation } from './attempt.ts';
import { modelRevisions } from './schema.ts';

type Row = typeof modelRevisions.$inferSelect;
export type ModelRevision = {
  readonly definition: ModelDefinition;
  readonly revision: number;
  readonly appliedAt: number;
};

export class ModelRegistry {
  readonly #db: DrizzleD1Database;

  constructor(database: D1Database) {
    this.#db = drizzle(database);
  }

  /** What counts now, by name. */
  async list(): Promise<Result<ModelRevision[]>> {
    const newest = sql`${modelRevisions.revision} = (SELECT MAX(revision) FROM model_revisions AS each
      WHERE each.model = ${modelRevisions.model})`;
    const rows = await attempt(() =>
      this.#db.select().from(modelRevisions).where(newest).orderBy(asc(modelRevisions.model)).all(),
    );
    return rows.ok ? ok(rows.value.flatMap(toRevision)) : rows;
  }

  async put(definition: ModelDefinition, now: number): Promise<Result<ModelRevision>> {
    return this.#add(definition.id, definition, now);
  }

  /** To a revision, or to the newest that says something else than the one that counts. */
  async rollBack(model: string, revision: number | undefined, now: number): Promise<Result<ModelRevision>> {
    const rows = await this.#revisions(model);
    if (!rows.ok) return rows;
    const [present, ...earlier] = rows.value;
    if (!present?.definition) return err('not_found', `There is no model "${model}" in the registry.`);
    const said = JSON.stringify(present.definition);
    const wanted = earlier.find(({ definition, revision: number }) =>
      revision === undefined ? definition !== null && JSON.stringify(definition) !== said : number === revision,
    );
    if (!wanted?.definition) return err('conflict', `The model "${model}" has no such earlier state to go back to.`);
    return this.#add(model, wanted.definition, now);
  }

  /** False where it is not there. */
  async remove(model: string, now: number): Promise<Result<boolean>> {
    const rows = await this.#revisions(model);
    if (!rows.ok) return rows;
    if (!rows.value[0]?.definition) return ok(false);
    const added = await this.#add(model, null, now);
    return added.ok ? ok(true) : added;
  }

  /** The newest first. */
  #revisions(model: string): Promise<Result<Row[]>> {
    return attempt(() =>
      this.#db
        .select()
        .from(modelRevisions)
        .where(eq(modelRevisions.model, model))
        .orderBy(desc(modelRevisions.revision))
        .all(),
    );
  }

  async #add<D extends ModelDefinition | null>(
    model: string,
    definition: D,
    now: number,
  ): Promise<Result<{ readonly definition: D; readonly revision: number; readonly appliedAt: number }>> {
    const rows = await this.#revisions(model);
    if (!rows.ok) return rows;
    const revision = (rows.value[0]?.revision ?? 0) + 1;
    const written = await attempt(() =>
      this.#db.insert(modelRevisions).values({ model, revision, definition, appliedAt: now }),
    );
    if (written.ok) return ok({ definition, revision, appliedAt: now });
    return isUniqueViolation(written.failure.reason)
      ? err('conflict', `The model "${model}" was changed at the same moment. Look at it and try again.`)
      : written;
  }
}

function toRevision({ definition, revision, appliedAt }: Row): ModelRevision[] {
  return definition === null ? [] : [{ definition, revision, appliedAt }];
}
