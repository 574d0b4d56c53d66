import { ok } from '../../../shared/core/result.ts';
import { createExport as createExportBody } from '../../../shared/contracts/exports.ts';
import { ArchiveMedia } from '../../../shared/store/archive.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { archiveReply } from './archive-reply.ts';

export const createExport = tenantRoute(
  {
    method: 'POST',
    path: '/v1/exports',
    operation: 'createExport',
    summary: 'Export this whole tenant as JSON lines; the last line tells that the archive is whole.',
    tag: 'Tenant',
    surface: 'native',
    permission: 'tenant:export',
    body: createExportBody,
    answer: { status: 200, media: ArchiveMedia },
  },
  async (call, { body }) => {
    const archive = await call.exportTenant(body);
    return archive.ok ? ok(archiveReply(archive.value.lines, archive.value.slug)) : archive;
  },
);
