/** Where the ids of a request live: known ones stay where they are, new ones go to the last shard. */
import type { Placement, PlaceRequest } from '../../shared/store/embedded-vector-index.ts';
import type { PlacementStore } from './placement-store.ts';
import type { VectorShardStore } from './vector-shard-store.ts';

export function placeIds(
  { ids, purpose }: PlaceRequest,
  store: VectorShardStore,
  placements: PlacementStore,
): Placement {
  const last = store.shards - 1;
  const own = store.findKnown(ids);
  const elsewhere = placements.find(ids);
  const unknown = ids.filter((id) => !own.has(id) && !elsewhere.has(id));
  const home = purpose === 'write' ? last : -1;
  if (home > 0 && unknown.length > 0) placements.insert(unknown, home);
  if (purpose !== 'read') {
    // What a delete takes out of shard 0 must still be known to have lived there.
    if (last > 0) placements.insert([...own], 0);
    store.noteMutation();
  }
  return {
    mutationId: String(store.generation),
    shards: store.shards,
    homes: ids.map((id) => elsewhere.get(id) ?? (own.has(id) ? 0 : home)),
  };
}
