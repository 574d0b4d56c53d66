/** The greeting of a session, counted where it is one of several variants. */
import type { AgentId, VisitorId } from '../../../shared/core/ids.ts';
import { chooseGreeting } from '../../../shared/agents/choose-greeting.ts';
import { readAcceptLanguage } from '../../../shared/core/accept-language.ts';
import type { LiveAgent } from '../../../shared/contracts/admission.ts';
import type { Environment } from '../../../shared/contracts/environment.ts';

export type Greeted = {
  readonly agent: LiveAgent;
  readonly visitorId: VisitorId;
  readonly environment: Environment;
  readonly asked: { readonly language?: string | undefined; readonly timezone?: string | undefined };
  readonly acceptLanguage: string | null;
  readonly at: number;
};

export async function greet(
  { agent, visitorId, environment, asked, acceptLanguage, at }: Greeted,
  count: (id: AgentId, version: number, variant: string) => Promise<unknown>,
): Promise<string> {
  const { text, variant } = chooseGreeting(agent.definition.greeting, {
    agentId: agent.id,
    visitorId,
    environment,
    languages: asked.language === undefined ? readAcceptLanguage(acceptLanguage) : [asked.language],
    timeZone: asked.timezone,
    at,
  });
  if (variant !== null) await count(agent.id, agent.version, variant);
  return text;
}
