/** What has to be done so that a tenant's agents are what the files say. Pure; with nothing to do, it is empty. */
import { diffJson, type JsonChange } from '../../shared/core/diff-json.ts';
import type { Json } from '../../shared/core/canonical-json.ts';
import type { AgentFile } from '../../shared/contracts/agent-file.ts';
import { agentDefinition, type Agent, type AgentDefinition } from '../../shared/contracts/agents.ts';
import type { Environment } from '../../shared/contracts/environment.ts';

export type WantedAgent = Pick<AgentFile, 'slug' | 'name' | 'publish' | 'definition'>;

export type Step =
  | { readonly kind: 'create'; readonly wanted: WantedAgent }
  | { readonly kind: 'rename'; readonly slug: string; readonly from: string; readonly to: string }
  | {
      readonly kind: 'version';
      readonly slug: string;
      readonly definition: AgentDefinition;
      readonly changes: readonly JsonChange[];
      readonly publish: readonly Environment[];
    }
  | {
      readonly kind: 'publish';
      readonly slug: string;
      readonly version: number;
      readonly publish: readonly Environment[];
    }
  | { readonly kind: 'delete'; readonly slug: string; readonly name: string };

export function planAgents(wanted: readonly WantedAgent[], present: readonly Agent[], prune: boolean): Step[] {
  const bySlug = new Map(present.map((agent) => [agent.slug, agent]));
  const asked = new Set(wanted.map(({ slug }) => slug));
  const idle = prune ? present.filter(({ slug }) => !asked.has(slug)) : [];
  return [
    ...wanted.flatMap((each) => planAgent(each, bySlug.get(each.slug))),
    ...idle.map(({ slug, name }) => ({ kind: 'delete' as const, slug, name })),
  ];
}

function planAgent(wanted: WantedAgent, present: Agent | undefined): Step[] {
  if (!present) return [{ kind: 'create', wanted }];
  const { slug, name, definition, publish } = wanted;
  const rename: Step[] = name === present.name ? [] : [{ kind: 'rename', slug, from: present.name, to: name }];
  const changes = diffJson(asJson(present.definition), asJson(definition));
  if (changes.length > 0) return [...rename, { kind: 'version', slug, definition, changes, publish }];
  const behind = publish.filter((environment) => present.published[environment] !== present.version);
  return behind.length === 0
    ? rename
    : [...rename, { kind: 'publish', slug, version: present.version, publish: behind }];
}

/** An old version lacks what was added to the schema since: with the defaults, it says the same. */
function asJson(definition: AgentDefinition): Json {
  const whole = agentDefinition.safeParse(definition);
  return JSON.parse(JSON.stringify(whole.success ? whole.data : definition)) as Json;
}

export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'create':
      return `+ ${step.wanted.slug}: create "${step.wanted.name}", live in ${places(step.wanted.publish)}`;
    case 'rename':
      return `~ ${step.slug}: rename "${step.from}" to "${step.to}"`;
    case 'version':
      return [
        `~ ${step.slug}: a new version, live in ${places(step.publish)}`,
        ...step.changes.map(({ op, path }) => `    ${op} ${path}`),
      ].join('\n');
    case 'publish':
      return `~ ${step.slug}: publish version ${step.version} to ${places(step.publish)}`;
    case 'delete':
      return `- ${step.slug}: delete "${step.name}"; its memories can no longer be reached`;
  }
}

function places(environments: readonly Environment[]): string {
  return environments.length === 0 ? 'no environment' : environments.join(', ');
}
