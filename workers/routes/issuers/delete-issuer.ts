import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { issuerParams } from '../params.ts';

const deletedIssuer = z.object({ object: z.literal('issuer.deleted'), id: z.string(), deleted: z.literal(true) });

export const deleteIssuer = tenantRoute(
  {
    method: 'DELETE',
    path: '/v1/issuers/{issuer}',
    operation: 'deleteIssuer',
    summary: 'Remove an issuer. Its tokens are refused at once, and its members are suspended.',
    tag: 'Issuers',
    surface: 'native',
    permission: 'issuers:write',
    params: issuerParams,
    answer: { status: 200, schema: deletedIssuer },
  },
  async (call, { params }) => {
    const removed = await call.tenant.people.deleteIssuer(call.principal, params.issuer);
    return removed.ok ? ok(json({ object: 'issuer.deleted', id: params.issuer, deleted: true })) : removed;
  },
);
