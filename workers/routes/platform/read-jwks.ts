import { z } from 'zod';
import { ok } from '../../../shared/core/result.ts';
import { platformKey } from '../../edge/platform-key.ts';
import { publicRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const readJwks = publicRoute(
  {
    host: 'any',
    method: 'GET',
    path: '/.well-known/jwks.json',
    operation: 'readJwks',
    summary: "The platform's public keys: the present one, and while it changes the one before it.",
    tag: 'Platform',
    surface: 'native',
    answer: { status: 200, schema: z.object({ keys: z.array(z.looseObject({ kty: z.string() })) }) },
  },
  async (context) => ok(json({ keys: [...(await platformKey(context.platform)).publicJwks] })),
);
