import { isId } from '../../../shared/core/ids.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { announcement, announcementAnswer, TokenTypes } from '../../../shared/contracts/inference.ts';
import { door } from '../../edge/doors.ts';
import { platformKey } from '../../edge/platform-key.ts';
import { publicRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { verifyBridgeJws } from './verify-bridge-jws.ts';

export const announce = publicRoute(
  {
    host: 'apex',
    method: 'POST',
    path: '/bridge/v1/announce',
    operation: 'announce',
    summary: 'A bridge says what it can serve now. The body is a JWS by its key.',
    tag: 'Bridge',
    surface: 'native',
    rawBody: 'application/jose',
    answer: { status: 200, schema: announcementAnswer },
  },
  async (context) => {
    const said = await verifyBridgeJws(context, TokenTypes.announce, announcement);
    if (!said.ok) return said;
    const { iss } = said.value.claims;
    if (!isId('bridge', iss)) return err('invalid_api_key');
    const noted = await door(context.objects.nodePool()).announce(said.value.claims);
    if (!noted.ok) return noted;
    const key = await platformKey(context.platform);
    return ok(json({ object: 'announcement', job_key: key.jobKeyOf(iss), draining: [...noted.value] }));
  },
);
