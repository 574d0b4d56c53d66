/** The classes that wrangler.toml binds. */
export { AgentObject } from './agent/agent-object.ts';
export { ConversationObject } from './conversation/conversation-object.ts';
export { NodePoolObject } from './node-pool/node-pool-object.ts';
export { TenantObject } from './tenant/tenant-object.ts';
export { VectorShardObject } from './vector-shard/vector-shard-object.ts';
