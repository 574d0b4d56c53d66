/** A visitor's session for a frontend of the tenant's own: minted by its server, handed to its page. */
import { createHash } from 'node:crypto';
import { toIso } from '../../../shared/core/clock.ts';
import { mintId, type Random } from '../../../shared/core/ids.ts';
import { ok } from '../../../shared/core/result.ts';
import { createAgentSession as createAgentSessionBody, session } from '../../../shared/contracts/sessions.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';
import { greet } from './greet.ts';

export const createAgentSession = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/sessions',
    operation: 'createAgentSession',
    summary: 'Mint a session for a visitor of a frontend of your own.',
    tag: 'Sessions',
    surface: 'native',
    permission: 'sessions:write',
    params: agentParams,
    body: createAgentSessionBody,
    answer: { status: 201, schema: session },
  },
  async (call, { params, body }) => {
    const environment = call.principal.scope.environment ?? 'prod';
    const live = await call.tenant.agents.findLive(params.agent, environment);
    if (!live.ok) return live;
    const agent = live.value;
    const now = call.clock.now();
    const visitorId =
      body.visitor === undefined
        ? mintId('visitor', now, call.random)
        : mintId('visitor', 0, namedBytes(`${call.tenantId}/${body.visitor}`));
    const ttlMs = body.ttl_seconds * 1_000;
    const key = await call.platformKey();
    const visitor = { visitorId, agentId: agent.id, origin: body.origin };
    const greeting = await greet(
      {
        agent,
        visitorId,
        environment,
        asked: body,
        // The tenant's server asks, and its languages are not the visitor's.
        acceptLanguage: null,
        at: now,
      },
      (...shown) => call.tenant.agents.countGreeting(...shown),
    );
    return ok(
      json(
        {
          object: 'session',
          token: await key.signVisitor(call.tenantId, visitor, now, ttlMs),
          visitor: visitorId,
          agent: agent.slug,
          agent_name: agent.name,
          greeting,
          expires_at: toIso(now + ttlMs),
        },
        201,
      ),
    );
  },
);

/** The same name is the same visitor; whoever has the id does not have the name. */
function namedBytes(name: string): Random {
  const digest = createHash('sha256').update(name, 'utf8').digest();
  return (bytes) => {
    bytes.set(digest.subarray(0, bytes.length));
    return bytes;
  };
}
