import { err, ok } from '../../../shared/core/result.ts';
import { createdHook, createHook as createHookBody } from '../../../shared/contracts/hooks.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { mintHookSecret } from './mint-hook-secret.ts';

export const createHook = tenantRoute(
  {
    method: 'POST',
    path: '/v1/hooks',
    operation: 'createHook',
    summary: 'Make an inbound hook: whose requests are taken in, and what its agent is asked for each.',
    tag: 'Hooks',
    surface: 'native',
    permission: 'hooks:write',
    idempotent: true,
    body: createHookBody,
    answer: { status: 201, schema: createdHook },
  },
  async (call, { body: { secret: given, ...wanted } }) => {
    const minted = given === undefined ? mintHookSecret(wanted.verification.scheme, call.random) : undefined;
    const secret = given ?? minted;
    if (secret === undefined)
      return err('invalid_request', '"secret": give the one that the sender shows you.', { param: 'secret' });
    const id = call.mint('hook');
    const created = await call.tenant.hooks.create({ ...wanted, id, secret }, call.principal);
    return created.ok ? ok(json({ ...created.value, secret: minted ?? null }, 201)) : created;
  },
);
