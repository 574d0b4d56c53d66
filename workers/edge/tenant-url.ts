/** The public addresses of the platform and of a tenant on its subdomain. */
import type { RequestContext } from './request-context.ts';

export function tenantUrl(context: RequestContext, slug: string): string {
  return withHost(context, `${slug}.${context.platform.PLATFORM_DOMAIN}`);
}

export function platformUrl(context: RequestContext): string {
  return withHost(context, context.platform.PLATFORM_DOMAIN);
}

function withHost({ platform }: RequestContext, host: string): string {
  const local = platform.PLATFORM_DOMAIN === 'localhost';
  const port = platform.PLATFORM_PORT ? `:${platform.PLATFORM_PORT}` : '';
  return `${local ? 'http' : 'https'}://${host}${port}`;
}
