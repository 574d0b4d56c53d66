import { isId } from '../../../shared/core/ids.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { isOwed } from '../../../shared/contracts/bridges.ts';
import { receiptAck, receiptBatch, TokenTypes } from '../../../shared/contracts/inference.ts';
import { door } from '../../edge/doors.ts';
import { publicRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { verifyBridgeJws } from './verify-bridge-jws.ts';

export const settleReceipts = publicRoute(
  {
    host: 'apex',
    method: 'POST',
    path: '/bridge/v1/receipts',
    operation: 'settleReceipts',
    summary: 'A bridge delivers receipts of one tenant. The body is a JWS by its key.',
    tag: 'Bridge',
    surface: 'native',
    rawBody: 'application/jose',
    answer: { status: 200, schema: receiptAck },
  },
  async (context) => {
    const said = await verifyBridgeJws(context, TokenTypes.receipts, receiptBatch);
    if (!said.ok) return said;
    const { revokedAt, jws, claims } = said.value;
    const { tenant, iss, receipts } = claims;
    if (!isId('tenant', tenant) || receipts.some((receipt) => receipt.tenant !== tenant || receipt.bridge !== iss)) {
      return err('invalid_request', 'A batch holds the receipts of one tenant and of the bridge that signs it.');
    }
    const owed = receipts.filter(({ run }) => isOwed(run, revokedAt));
    const late = receipts.filter(({ run }) => !isOwed(run, revokedAt));
    const refused = late.map(({ id }) => ({ id, reason: 'the run was begun after the bridge was revoked' }));
    if (owed.length === 0) return ok(json({ settled: [], refused }));
    const settled = await door(context.objects.tenant(tenant)).settle(iss, owed, jws);
    return settled.ok ? ok(json({ ...settled.value, refused: [...settled.value.refused, ...refused] })) : settled;
  },
);
