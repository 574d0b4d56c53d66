import { ok } from '../../../shared/core/result.ts';
import { effectObject } from '../../../shared/contracts/approvals.ts';
import { listOf } from '../../../shared/contracts/common.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { responseParams } from '../params.ts';
import { requireResponse } from './require-response.ts';

export const listEffects = tenantRoute(
  {
    method: 'GET',
    path: '/v1/responses/{response}/effects',
    operation: 'listEffects',
    summary: 'List what the tool calls of a response have done, and what nobody can know of them.',
    tag: 'Responses',
    surface: 'native',
    permission: 'conversations:read',
    reach: 'own',
    params: responseParams,
    answer: { status: 200, schema: listOf(effectObject) },
  },
  async (call, { params }) => {
    const found = requireResponse(call, params.response);
    if (!found.ok) return found;
    const effects = await found.value.conversation.listEffects(call.principal, found.value.id);
    return effects.ok ? ok(json({ object: 'list', data: effects.value, has_more: false, next_cursor: null })) : effects;
  },
);
