/** What the edge and the objects are bound to: wrangler.toml's bindings, vars and secrets. */
export type Platform = {
  readonly DB: D1Database;
  readonly TENANT: DurableObjectNamespace;
  readonly AGENT: DurableObjectNamespace;
  readonly CONVERSATION: DurableObjectNamespace;
  readonly VECTOR_SHARD: DurableObjectNamespace;
  readonly NODE_POOL: DurableObjectNamespace;
  readonly WEBHOOK_ENDPOINT: DurableObjectNamespace;
  /** The built frontends. */
  readonly ASSETS: Fetcher;
  readonly BRIDGE_TUNNEL: DurableObjectNamespace;
  readonly OPERATOR: DurableObjectNamespace;
  /** Only where VECTOR_BACKEND is `vectorize`. */
  readonly VECTORIZE?: Vectorize;
  readonly PLATFORM_DOMAIN: string;
  /** The port that public addresses carry, empty for the scheme's own. */
  readonly PLATFORM_PORT?: string;
  readonly AGENT_BUCKETS: string;
  readonly VECTOR_BACKEND: string;
  /** Bytes of RAM for the codes of vectors, in one isolate. */
  readonly VECTOR_ARENA_BYTES?: string;
  readonly MAX_BODY_BYTES: string;
  /** The operator's exceptions for targets on their own premises: shared/egress/allowlist.ts. */
  readonly EGRESS_ALLOW?: string;
  /** On one's own workerd: the network to public and listed addresses, and the one to names that are listed. */
  readonly EGRESS?: Fetcher;
  readonly EGRESS_NAMED?: Fetcher;
  /** The resolver that custom hostnames are checked with: DNS over HTTPS, in its JSON form. */
  readonly DNS_OVER_HTTPS_URL?: string;
  /** Where custom hostnames are Cloudflare's: the zone, and a token with "SSL and Certificates: Edit" on it. */
  readonly CLOUDFLARE_ZONE_ID?: string;
  readonly CLOUDFLARE_API_TOKEN?: string;
  /** The operator's OpenTelemetry collector, asked over OTLP/HTTP, and the headers it wants: `name=value,…`. */
  readonly OTLP_ENDPOINT?: string;
  readonly OTLP_HEADERS?: string;
  /** SHA-256 of the operator's token, in hex. */
  readonly OPERATOR_TOKEN_SHA256: string;
  /** The platform's private Ed25519 key, as a JWK. */
  readonly PLATFORM_SIGNING_KEY: string;
  /** The one before it, while a change of the key is under way: opens what still lies under it. */
  readonly PLATFORM_PREVIOUS_SIGNING_KEY?: string;
};
