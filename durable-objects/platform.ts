/** What the edge and the objects are bound to: wrangler.toml's bindings, vars and secrets. */
export type Platform = {
  readonly DB: D1Database;
  readonly TENANT: DurableObjectNamespace;
  readonly AGENT: DurableObjectNamespace;
  readonly CONVERSATION: DurableObjectNamespace;
  readonly VECTOR_SHARD: DurableObjectNamespace;
  readonly NODE_POOL: DurableObjectNamespace;
  /** Only where VECTOR_BACKEND is `vectorize`. */
  readonly VECTORIZE?: Vectorize;
  readonly PLATFORM_DOMAIN: string;
  /** The port that public addresses carry, empty for the scheme's own. */
  readonly PLATFORM_PORT?: string;
  readonly AGENT_BUCKETS: string;
  readonly VECTOR_BACKEND: string;
  readonly MAX_BODY_BYTES: string;
  /** SHA-256 of the operator's token, in hex. */
  readonly OPERATOR_TOKEN_SHA256: string;
  /** The platform's private Ed25519 key, as a JWK. */
  readonly PLATFORM_SIGNING_KEY: string;
  /** The one before it, while a change of the key is under way: opens what still lies under it. */
  readonly PLATFORM_PREVIOUS_SIGNING_KEY?: string;
};
