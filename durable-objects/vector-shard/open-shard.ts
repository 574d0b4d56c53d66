/** Puts the parts of a shard together over its storage: the schema brought up to date, the stores, the search, the upkeep. */
import { migrate } from '../runtime/migrate.ts';
import type { CodeArena } from './code-arena.ts';
import { CodePageStore } from './code-page-store.ts';
import { PlacementStore } from './placement-store.ts';
import { ShardCodes } from './shard-codes.ts';
import { vectorShardMigrations } from './vector-shard-migrations.ts';
import { VectorShardSearch } from './vector-shard-search.ts';
import { VectorShardStore } from './vector-shard-store.ts';
import { VectorShardUpkeep } from './vector-shard-upkeep.ts';

export type OpenShard = {
  readonly store: VectorShardStore;
  readonly pages: CodePageStore;
  readonly placements: PlacementStore;
  readonly codes: ShardCodes;
  readonly search: VectorShardSearch;
  readonly upkeep: VectorShardUpkeep;
};

/** `key` is the shard's in the arena. Fewer rows a page than there could be are for tests. */
export function openShard(storage: DurableObjectStorage, arena: CodeArena, key: string, pageRows?: number): OpenShard {
  migrate(storage, vectorShardMigrations);
  const store = new VectorShardStore(storage);
  const pages = new CodePageStore(storage.sql);
  const codes = new ShardCodes(arena, key, store, pages);
  return {
    store,
    pages,
    placements: new PlacementStore(storage.sql),
    codes,
    search: new VectorShardSearch(store, codes),
    upkeep: new VectorShardUpkeep(store, pages, codes, (work) => storage.transactionSync(work), pageRows),
  };
}
