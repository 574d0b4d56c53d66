/** What an agent's definition says about its memories. A version of before there was a say has none. Pure. */
import type { LiveAgent } from '../contracts/admission.ts';
import { defaultMemoryPolicy, type AgentDefinition, type MemoryPolicy } from '../contracts/agents.ts';

export function memoryPolicyOf({ definition }: Pick<LiveAgent, 'definition'>): MemoryPolicy {
  const { max, consolidate } = { ...defaultMemoryPolicy, ...(definition.memory as Partial<AgentDefinition['memory']>) };
  return { max, consolidate };
}
