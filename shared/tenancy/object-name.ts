/**
 * The names of all Durable Objects, built and parsed here and nowhere else. A name starts with its tenant,
 * so no object of one tenant can be addressed from another tenant's ids, and an object can check whose it is.
 */
import {
  isId,
  parseId,
  type AgentId,
  type BridgeId,
  type ConversationId,
  type TenantId,
  type WebhookId,
} from '../core/ids.ts';

declare const brand: unique symbol;
type ObjectName<K extends string> = string & { readonly [brand]: K };
export type TenantObjectName = ObjectName<'tenant'>;
export type AgentObjectName = ObjectName<'agent'>;
export type ConversationObjectName = ObjectName<'conversation'>;
export type VectorShardObjectName = ObjectName<'vector-shard'>;
export type NodePoolObjectName = ObjectName<'node-pool'>;
export type BridgeTunnelObjectName = ObjectName<'bridge-tunnel'>;
export type WebhookEndpointObjectName = ObjectName<'webhook-endpoint'>;
export type OperatorObjectName = ObjectName<'operator'>;

export function tenantObjectName(tenant: TenantId): TenantObjectName {
  return tenant as string as TenantObjectName;
}

/**
 * The object that hosts an agent. With `buckets` = 0 every agent has an object of its own (right on Cloudflare);
 * otherwise a tenant's agents share `buckets` objects (right on one's own workerd, where awake objects are the limit).
 */
export function agentObjectName(tenant: TenantId, agent: AgentId, buckets: number): AgentObjectName {
  return `${tenant}/${buckets === 0 ? agent : `agents-${hashText(agent) % buckets}`}` as AgentObjectName;
}

/** All objects that may host a tenant's agents; none where every agent has its own. */
export function agentPartNames(tenant: TenantId, buckets: number): AgentObjectName[] {
  return Array.from({ length: buckets }, (_, at) => `${tenant}/agents-${at}` as AgentObjectName).sort();
}

export function conversationObjectName(tenant: TenantId, conversation: ConversationId): ConversationObjectName {
  return `${tenant}/${conversation}` as ConversationObjectName;
}

/** The conversation whose object has this name, or undefined where the name is of another kind. */
export function conversationOfObjectName(name: string): ConversationId | undefined {
  return parseId('conversation', name.split('/')[1]);
}

/** One shard of the vectors of a tenant in one embedding space. */
export function vectorShardObjectName(tenant: TenantId, space: string, shard: number): VectorShardObjectName {
  return `${tenant}/vectors/${encodeURIComponent(space)}/${shard}` as VectorShardObjectName;
}

export function nodePoolObjectName(pool: string): NodePoolObjectName {
  return `pool/${pool}` as NodePoolObjectName;
}

export function bridgeTunnelObjectName(bridge: BridgeId): BridgeTunnelObjectName {
  return `tunnel/${bridge}` as BridgeTunnelObjectName;
}

/** The bridge whose tunnel an object is, or undefined where the name is of another kind. */
export function bridgeOfObjectName(name: string): BridgeId | undefined {
  return name.startsWith('tunnel/') ? parseId('bridge', name.slice(7)) : undefined;
}

export function webhookEndpointObjectName(tenant: TenantId, webhook: WebhookId): WebhookEndpointObjectName {
  return `${tenant}/webhooks/${webhook}` as WebhookEndpointObjectName;
}

/** The webhook that an object's name ends with. */
export function webhookOfObjectName(name: string): WebhookId | undefined {
  const last = name.split('/').at(-1);
  return isId('webhook', last) ? last : undefined;
}

/** There is one: what the operator did, and what is under way for it. */
export function operatorObjectName(): OperatorObjectName {
  return 'operator/default' as OperatorObjectName;
}

/** The tenant that an object's name starts with, or undefined where the name has none. */
export function tenantOfObjectName(name: string): TenantId | undefined {
  const first = name.split('/', 1)[0];
  return isId('tenant', first) ? first : undefined;
}

/** FNV-1a, 32 bits. Spreads agents over buckets; must never change, or agents would lose their objects. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
