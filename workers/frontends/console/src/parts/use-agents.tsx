/** The agents to choose from, and the one that a page is about: the page's address names it. */
import { Select } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Agent } from '../../../../../shared/contracts/agents.ts';
import { useApi } from '../api/queries.ts';

export function useAgents() {
  return useApi('GET /v1/agents', { query: { limit: 100 } });
}

export function useChosenAgent(): { readonly agents: ReturnType<typeof useAgents>; readonly agent: Agent | undefined } {
  const agents = useAgents();
  const { agent: named } = useSearch({ from: '__root__' });
  const all = agents.data?.data ?? [];
  return { agents, agent: all.find(({ slug, id }) => slug === named || id === named) ?? all[0] };
}

export function AgentPicker({
  agents,
  agent,
}: {
  readonly agents: readonly Agent[];
  readonly agent: Agent | undefined;
}) {
  const navigate = useNavigate();
  if (agents.length === 0) return null;
  return (
    <Select
      aria-label="Agent"
      data={agents.map(({ slug, name }) => ({ value: slug, label: name }))}
      value={agent?.slug ?? null}
      onChange={(slug) => slug !== null && void navigate({ to: '.', search: (search) => ({ ...search, agent: slug }) })}
      allowDeselect={false}
      searchable={agents.length > 8}
      w={220}
    />
  );
}
