/**
 * Restores a tenant from an archive: under its own id, since the chains of its memories and of its audit trail are bound
 * to it; under another slug where one is given.
 */
import { err, ok, type Result } from '../../../shared/core/result.ts';
import { importedTenant, importQuery, passphrase, PassphraseHeader } from '../../../shared/contracts/exports.ts';
import { reservedSlugs } from '../../../shared/contracts/tenants.ts';
import { ArchiveMedia } from '../../../shared/store/archive.ts';
import { toTenant, type TenantRecord } from '../../../shared/store/tenant-directory.ts';
import type { RequestContext } from '../../edge/request-context.ts';
import { tenantUrl } from '../../edge/tenant-url.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { requirePlan } from '../plans/require-plan.ts';

export const importTenant = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/tenants/import',
    operation: 'importTenant',
    summary: `Restore a tenant from an archive. Header ${PassphraseHeader} where its secrets are sealed.`,
    tag: 'Operator',
    surface: 'native',
    query: importQuery,
    rawBody: ArchiveMedia,
    answer: { status: 201, schema: importedTenant },
  },
  async (context, { query }) => {
    const given = context.request.headers.get(PassphraseHeader) ?? undefined;
    const secret = passphrase.optional().safeParse(given);
    if (!secret.success) {
      return err('invalid_request', 'The passphrase has 12 to 1000 characters.', { param: PassphraseHeader });
    }
    if (query.slug !== undefined && reservedSlugs.has(query.slug)) {
      return err('invalid_request', 'This slug is reserved.', { param: 'slug' });
    }
    if (!context.request.body) return err('invalid_request', 'The body is the archive.', { param: 'body' });
    const body = context.request.body as unknown as AsyncIterable<Uint8Array>;
    const options = { passphrase: secret.data, slug: query.slug };
    const imported = await context.objects.importTenant(body, options, (record) => mayCome(context, record));
    if (!imported.ok) return imported;
    const { record, lines, rows } = imported.value;
    const stated = toTenant(record, tenantUrl(context, record.slug));
    return ok(json({ object: 'tenant.import', tenant: stated, lines, rows }, 201));
  },
);

async function mayCome(context: RequestContext, record: TenantRecord): Promise<Result<undefined>> {
  const directory = context.objects.directory();
  const present = await directory.find(record.id);
  if (present.ok) return err('conflict', `The tenant ${record.id} is here already, as "${present.value.slug}".`);
  if (present.failure.code !== 'not_found') return present;
  const taken = await directory.findIdBySlug(record.slug);
  if (!taken.ok) return taken;
  if (taken.value !== undefined) {
    return err('conflict', `A tenant with the slug "${record.slug}" exists already. Give another one.`, {
      param: 'slug',
    });
  }
  const buried = await directory.findTombstoneOf(record.slug, context.clock.now());
  if (!buried.ok) return buried;
  if (buried.value && buried.value.id !== record.id) {
    return err('conflict', `The slug "${record.slug}" belonged to a tenant that was deleted. Give another one.`, {
      param: 'slug',
    });
  }
  const plan = await requirePlan(context, record.plan);
  return plan.ok ? ok() : plan;
}
