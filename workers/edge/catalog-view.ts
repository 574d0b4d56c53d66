/** What can be served to a tenant now, as this isolate last saw it. */
import { systemClock } from '../../shared/core/clock.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import type { Result } from '../../shared/core/result.ts';
import { Catalog, type CatalogView } from '../../shared/inference/catalog.ts';
import type { RequestContext } from './request-context.ts';

const catalog = new Catalog(systemClock);

export function viewCatalog(
  { objects }: Pick<RequestContext, 'objects'>,
  tenant: TenantId,
): Promise<Result<CatalogView>> {
  return catalog.view(objects.catalogSource(), tenant);
}
