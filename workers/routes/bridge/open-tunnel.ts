import { err, ok } from '../../../shared/core/result.ts';
import { tunnelClaims } from '../../../shared/contracts/bridges.ts';
import { MaxClockSkewSeconds, TokenTypes } from '../../../shared/contracts/inference.ts';
import { bearerToken } from '../../edge/authenticate.ts';
import { publicRoute } from '../../http/define-route.ts';
import { raw } from '../../http/reply.ts';
import { verifyBridgeToken } from './verify-bridge-jws.ts';

/** No token of a tunnel lives longer, whatever it says. */
const MaxLifeSeconds = 60;

export const openTunnel = publicRoute(
  {
    host: 'apex',
    method: 'GET',
    path: '/bridge/tunnel',
    operation: 'openTunnel',
    summary: 'A bridge opens its tunnel: a WebSocket upgrade, with a short-lived JWS by its key as the bearer.',
    tag: 'Bridge',
    surface: 'native',
    answer: { status: 101 },
  },
  async (context) => {
    if (context.request.headers.get('upgrade')?.toLowerCase() !== 'websocket') {
      return err('invalid_request', 'This is where bridges open a WebSocket.');
    }
    const token = bearerToken(context.request);
    if (token === undefined) return err('invalid_api_key');
    const said = await verifyBridgeToken(context, token, TokenTypes.tunnel, tunnelClaims);
    if (!said.ok) return said;
    const { iss, aud, jti, iat, exp } = said.value.claims;
    if (aud !== context.platform.PLATFORM_DOMAIN) return err('invalid_api_key', 'The token is for another platform.');
    const now = context.clock.now();
    const until = (Math.min(exp, iat + MaxLifeSeconds) + MaxClockSkewSeconds) * 1_000;
    if (until <= now) return err('invalid_api_key', 'The tunnel token has expired.');
    const opened = await context.objects.openTunnel(iss, jti, until);
    if (!opened.ok) return opened;
    const { status, webSocket, body, headers } = opened.value;
    return ok(raw(new Response(body, { status, headers, ...(status === 101 ? { webSocket } : {}) })));
  },
);
