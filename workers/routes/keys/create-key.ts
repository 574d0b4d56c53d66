import { ok } from '../../../shared/core/result.ts';
import { createdKey, createKey as createKeyBody } from '../../../shared/contracts/keys.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { issueKey } from './issue-key.ts';

export const createKey = tenantRoute(
  {
    method: 'POST',
    path: '/v1/keys',
    operation: 'createKey',
    summary: 'Create an API key. Its secret is shown this once.',
    tag: 'Keys',
    surface: 'native',
    permission: 'keys:write',
    idempotent: true,
    body: createKeyBody,
    answer: { status: 201, schema: createdKey },
  },
  async (call, { body }) => {
    const issued = await issueKey(call, body);
    return issued.ok ? ok(json(issued.value, 201)) : issued;
  },
);
