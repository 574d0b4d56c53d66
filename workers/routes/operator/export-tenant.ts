import { ok } from '../../../shared/core/result.ts';
import { operatorActor } from '../../../shared/contracts/audit.ts';
import { createExport } from '../../../shared/contracts/exports.ts';
import { ArchiveMedia } from '../../../shared/store/archive.ts';
import { operatorRoute } from '../../http/define-route.ts';
import { archiveReply } from '../exports/archive-reply.ts';
import { tenantParams } from '../params.ts';

export const exportTenant = operatorRoute(
  {
    method: 'POST',
    path: '/operator/v1/tenants/{tenant}/export',
    operation: 'exportTenant',
    summary: 'Export a whole tenant as JSON lines; the last line tells that the archive is whole.',
    tag: 'Operator',
    surface: 'native',
    params: tenantParams,
    body: createExport,
    answer: { status: 200, media: ArchiveMedia },
  },
  async (context, { params, body }) => {
    const found = await context.objects.directory().find(params.tenant);
    if (!found.ok) return found;
    const archive = await context.objects.exportTenant(found.value, operatorActor, body);
    return archive.ok ? ok(archiveReply(archive.value, found.value.slug)) : archive;
  },
);
