/** A visitor's session on the tenant's own chat page: short-lived, for one agent, without a key. */
import { mintId } from '../../../shared/core/ids.ts';
import { toIso } from '../../../shared/core/clock.ts';
import { ok } from '../../../shared/core/result.ts';
import { createSession as createSessionBody, session } from '../../../shared/contracts/sessions.ts';
import { VisitorSessionMs } from '../../../shared/inference/platform-key.ts';
import { door } from '../../edge/doors.ts';
import { platformKey } from '../../edge/platform-key.ts';
import { requireTenant } from '../../edge/require-tenant.ts';
import { publicRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';

export const createSession = publicRoute(
  {
    host: 'tenant',
    method: 'POST',
    path: '/v1/sessions',
    operation: 'createSession',
    summary: "Begin or renew a visitor's session with the tenant's chat agent.",
    tag: 'Sessions',
    surface: 'native',
    body: createSessionBody,
    answer: { status: 201, schema: session },
  },
  async (context, { body }) => {
    const tenant = await requireTenant(context);
    if (!tenant.ok) return tenant;
    const agent = await door(context.objects.tenant(tenant.value)).findChatAgent();
    if (!agent.ok) return agent;
    const now = context.clock.now();
    const key = await platformKey(context.platform);
    const before = body.token === undefined ? undefined : await key.verifyVisitor(body.token, tenant.value, now);
    const visitorId = before?.visitorId ?? mintId('visitor', now);
    const token = await key.signVisitor(tenant.value, { visitorId, agentId: agent.value.id }, now);
    return ok(
      json(
        {
          object: 'session',
          token,
          visitor: visitorId,
          agent: agent.value.slug,
          agent_name: agent.value.name,
          greeting: agent.value.definition.greeting,
          expires_at: toIso(now + VisitorSessionMs),
        },
        201,
      ),
    );
  },
);
