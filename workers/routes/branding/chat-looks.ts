/** Who answers in a tenant's chat and how it looks, and on which sites it may stand. */
import type { TenantId } from '../../../shared/core/ids.ts';
import { ok, type Result } from '../../../shared/core/result.ts';
import type { ChatProfile } from '../../../shared/contracts/branding.ts';
import { door } from '../../edge/doors.ts';
import type { RequestContext } from '../../edge/request-context.ts';

export type ChatLooks = { readonly profile: ChatProfile; readonly allowedOrigins: readonly string[] };

export async function readChatLooks({ objects }: RequestContext, tenant: TenantId): Promise<Result<ChatLooks>> {
  const object = door(objects.tenant(tenant));
  const [agent, branding] = await Promise.all([object.findChatAgent(), object.branding.get()]);
  if (!agent.ok) return agent;
  if (!branding.ok) return branding;
  const { allowed_origins: allowedOrigins, warnings: _, updated_at: __, ...looks } = branding.value;
  const { slug, name, definition } = agent.value;
  const profile: ChatProfile = {
    ...looks,
    object: 'chat.profile',
    agent: slug,
    agent_name: name,
    // One of several is chosen for a visitor, and so comes with the session.
    greeting: typeof definition.greeting === 'string' ? definition.greeting : '',
  };
  return ok({ profile, allowedOrigins });
}
