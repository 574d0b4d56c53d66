/**
 * Pages of other sites: a browser says in `Origin` whose page asks. A tenant names the sites whose pages may use its host;
 * for all others the browser keeps the answer from the page, and no visitor's session is minted or honoured.
 * Source: WHATWG Fetch, "CORS protocol".
 */
import { CacheHeader } from '../../shared/contracts/inference.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import { systemClock, type Clock } from '../../shared/core/clock.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { door } from './doors.ts';
import type { RequestContext } from './request-context.ts';

const RememberMs = 2_000;
const MaxRemembered = 1_000;
const PreflightSeconds = '600';
const methods = 'GET, POST, PATCH, DELETE';
const exposed = [
  'x-request-id',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  CacheHeader,
  'x-ratelimit-limit-requests',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-reset-requests',
].join(', ');

/** The site whose page asks, where that is not the host's own. */
export function foreignOrigin({ request }: RequestContext): string | undefined {
  const origin = request.headers.get('origin');
  if (origin === null) return undefined;
  const isOwn = URL.canParse(origin) && new URL(origin).host === request.headers.get('host');
  return isOwn ? undefined : origin;
}

export class AllowedOrigins {
  readonly #clock: Clock;
  readonly #known = new Map<TenantId, { readonly origins: readonly string[]; readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether pages of this site may use the tenant's host. */
  async has(
    tenant: TenantId,
    origin: string,
    load: () => Promise<Result<readonly string[]>>,
  ): Promise<Result<boolean>> {
    const known = this.#known.get(tenant);
    if (known && known.until > this.#clock.now()) return ok(known.origins.includes(origin));
    const loaded = await load();
    if (!loaded.ok) return loaded;
    if (this.#known.size >= MaxRemembered) this.#known.clear();
    this.#known.set(tenant, { origins: loaded.value, until: this.#clock.now() + RememberMs });
    return ok(loaded.value.includes(origin));
  }
}

const allowed = new AllowedOrigins(systemClock);

/** Own pages and callers that are no browser pass; a page of a site that the tenant has not named is refused. */
export async function requireAllowedOrigin(context: RequestContext, tenant: TenantId): Promise<Result<undefined>> {
  const origin = foreignOrigin(context);
  if (origin === undefined) return ok();
  const has = await allowed.has(tenant, origin, () => door(context.objects.tenant(tenant)).branding.allowedOrigins());
  if (!has.ok) return has;
  return has.value ? ok() : err('permission_denied', 'Pages of this site may not use this host.', { param: 'origin' });
}

export function setCrossOriginHeaders(headers: Headers, origin: string): void {
  headers.set('access-control-allow-origin', origin);
  headers.set('access-control-expose-headers', exposed);
  headers.append('vary', 'origin');
}

/** The answer to a browser that asks beforehand. Credentials are headers of the page's own making, never cookies. */
export function preflightResponse(request: Request, origin: string): Response {
  const response = new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': methods,
      'access-control-allow-headers': request.headers.get('access-control-request-headers') ?? '',
      'access-control-max-age': PreflightSeconds,
    },
  });
  setCrossOriginHeaders(response.headers, origin);
  return response;
}

export function isPreflight({ request }: RequestContext): boolean {
  return request.method === 'OPTIONS' && request.headers.has('access-control-request-method');
}
