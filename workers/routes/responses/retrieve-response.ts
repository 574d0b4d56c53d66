import { ok, err } from '../../../shared/core/result.ts';
import { response, retrieveResponseQuery } from '../../../shared/contracts/responses.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { eventStream, json } from '../../http/reply.ts';
import { responseParams } from '../params.ts';
import { requireResponse } from './require-response.ts';

export const retrieveResponse = tenantRoute(
  {
    method: 'GET',
    path: '/v1/responses/{response}',
    operation: 'retrieveResponse',
    summary: 'Retrieve a response, or its stream of events from `starting_after` on.',
    tag: 'Responses',
    surface: 'openai',
    permission: 'conversations:read',
    reach: 'own',
    params: responseParams,
    query: retrieveResponseQuery,
    answer: { status: 200, schema: response },
  },
  async (call, { params, query }) => {
    const found = requireResponse(call, params.response);
    if (!found.ok) return found;
    const { id, conversation } = found.value;
    const stored = await conversation.findResponse(call.principal, id);
    if (!stored.ok) return stored;
    if (!stored.value.store) return err('not_found', 'There is no such response.');
    if (query.stream === 'false') return ok(json(stored.value));
    const from = (query.starting_after ?? -1) + 1;
    const stream = await conversation.streamResponse(call.principal, id, from, { kind: 'responses' }, false);
    return stream.ok ? ok(eventStream(stream.value)) : stream;
  },
);
