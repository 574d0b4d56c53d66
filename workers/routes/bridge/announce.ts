import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { announcement, TokenTypes } from '../../../shared/contracts/inference.ts';
import { door } from '../../edge/doors.ts';
import { publicRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { verifyBridgeJws } from './verify-bridge-jws.ts';

export const announce = publicRoute(
  {
    host: 'apex',
    method: 'POST',
    path: '/bridge/v1/announce',
    operation: 'announce',
    summary: 'A bridge says what it can serve now. The body is a JWS by its registered key.',
    tag: 'Bridge',
    surface: 'native',
    rawBody: 'application/jose',
    answer: { status: 200, schema: z.object({ object: z.literal('announcement') }) },
  },
  async (context) => {
    const said = await verifyBridgeJws(context, TokenTypes.announce, announcement);
    if (!said.ok) return said;
    const noted = await door(context.objects.nodePool()).announce(said.value.claims);
    return noted.ok ? ok(json({ object: 'announcement' })) : noted;
  },
);
