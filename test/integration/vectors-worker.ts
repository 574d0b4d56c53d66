/** The smallest Worker that hosts vector shards: only for tests. */
export { VectorShardObject } from '../../durable-objects/vector-shard/vector-shard-object.ts';

export default { fetch: () => new Response(null, { status: 404 }) };
