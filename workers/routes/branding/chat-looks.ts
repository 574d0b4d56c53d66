/** Who answers in a tenant's chat and how it looks, and on which sites it may stand. */
import type { TenantId } from '../../../shared/core/ids.ts';
import { ok, type Result } from '../../../shared/core/result.ts';
import type { AgentDefinition } from '../../../shared/contracts/agents.ts';
import type { ChatProfile } from '../../../shared/contracts/branding.ts';
import { door } from '../../edge/doors.ts';
import type { CatalogView } from '../../../shared/inference/catalog.ts';
import { resolveRoute } from '../../../shared/inference/resolve-route.ts';
import { catalog } from '../../edge/edge-catalog.ts';
import type { RequestContext } from '../../edge/request-context.ts';

export type ChatLooks = { readonly profile: ChatProfile; readonly allowedOrigins: readonly string[] };

export async function readChatLooks(context: RequestContext, tenant: TenantId): Promise<Result<ChatLooks>> {
  const object = door(context.objects.tenant(tenant));
  const [agent, branding, view] = await Promise.all([
    object.findChatAgent(),
    object.branding.get(),
    catalog.view(context.objects.catalogSource(), tenant),
  ]);
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
    takes_images: view.ok && takesImages(view.value, definition),
    greeting: typeof definition.greeting === 'string' ? definition.greeting : '',
  };
  return ok({ profile, allowedOrigins });
}

/** What is not known is not offered: a visitor is refused before the image has left the device. */
function takesImages(view: CatalogView, { model, sovereignty }: AgentDefinition): boolean {
  const allowExternal = sovereignty === 'external_allowed';
  const route = resolveRoute(view, { model, operation: 'chat', allowExternal, key: '' });
  return route.ok && route.value.model.images === true;
}
