import { ok } from '../../../shared/core/result.ts';
import { ledgerEntry } from '../../../shared/contracts/usage.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { receiptParams } from '../params.ts';

export const retrieveReceipt = tenantRoute(
  {
    method: 'GET',
    path: '/v1/receipts/{receipt}',
    operation: 'retrieveReceipt',
    summary: 'Retrieve one entry of the ledger: what a run produced, where, and what it cost.',
    tag: 'Usage',
    surface: 'native',
    permission: 'usage:read',
    params: receiptParams,
    answer: { status: 200, schema: ledgerEntry },
  },
  async (call, { params }) => {
    const entry = await call.tenant.findReceipt(params.receipt);
    return entry.ok ? ok(json(entry.value)) : entry;
  },
);
