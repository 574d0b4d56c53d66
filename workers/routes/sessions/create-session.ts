/** A visitor's session on the tenant's own chat page: short-lived, for one agent, without a key. */
import { mintId } from '../../../shared/core/ids.ts';
import { toIso } from '../../../shared/core/clock.ts';
import { ok } from '../../../shared/core/result.ts';
import { createSession as createSessionBody, session } from '../../../shared/contracts/sessions.ts';
import { VisitorSessionMs } from '../../../shared/inference/platform-key.ts';
import { door } from '../../edge/doors.ts';
import { requireAllowedOrigin } from '../../edge/cross-origin.ts';
import { platformKey } from '../../edge/platform-key.ts';
import { requireTenant } from '../../edge/require-tenant.ts';
import { publicRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { greet } from './greet.ts';

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
    const allowed = await requireAllowedOrigin(context, tenant.value);
    if (!allowed.ok) return allowed;
    const agent = await door(context.objects.tenant(tenant.value)).findChatAgent();
    if (!agent.ok) return agent;
    const now = context.clock.now();
    const origin = context.request.headers.get('origin') ?? undefined;
    const key = await platformKey(context.platform);
    const before = body.token === undefined ? undefined : await key.verifyVisitor(body.token, tenant.value, now);
    const visitorId = before?.visitorId ?? mintId('visitor', now);
    const token = await key.signVisitor(tenant.value, { visitorId, agentId: agent.value.id, origin }, now);
    const tenantDoor = door(context.objects.tenant(tenant.value));
    const greeting = await greet(
      {
        agent: agent.value,
        visitorId,
        environment: 'prod',
        asked: body,
        acceptLanguage: context.request.headers.get('accept-language'),
        at: now,
      },
      (...shown) => tenantDoor.agents.countGreeting(...shown),
    );
    return ok(
      json(
        {
          object: 'session',
          token,
          visitor: visitorId,
          agent: agent.value.slug,
          agent_name: agent.value.name,
          greeting,
          expires_at: toIso(now + VisitorSessionMs),
        },
        201,
      ),
    );
  },
);
