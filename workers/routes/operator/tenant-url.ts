/** The public address of a tenant on its subdomain. */
import type { RequestContext } from '../../edge/request-context.ts';

export function tenantUrl({ platform }: RequestContext, slug: string): string {
  const local = platform.PLATFORM_DOMAIN === 'localhost';
  const port = platform.PLATFORM_PORT ? `:${platform.PLATFORM_PORT}` : '';
  return `${local ? 'http' : 'https'}://${slug}.${platform.PLATFORM_DOMAIN}${port}`;
}
