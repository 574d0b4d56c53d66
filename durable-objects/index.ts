/** The classes that wrangler.toml binds. */
export { AgentObject } from './agent/agent-object.ts';
export { BridgeTunnelObject } from './bridge-tunnel/bridge-tunnel-object.ts';
export { ConversationObject } from './conversation/conversation-object.ts';
export { NodePoolObject } from './node-pool/node-pool-object.ts';
export { OperatorObject } from './operator/operator-object.ts';
export { TenantObject } from './tenant/tenant-object.ts';
export { VectorShardObject } from './vector-shard/vector-shard-object.ts';
export { WebhookEndpointObject } from './webhook-endpoint/webhook-endpoint-object.ts';
