/** The templates in agents/: each is valid, complete, and another than the rest. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { agentFile, type AgentFile } from '../../../shared/contracts/agent-file.ts';
import { readAgentFile } from '../../../scripts/freehold/read-agent-file.ts';
import { agentFileSchema, schemaPath } from '../../../scripts/freehold/schema.ts';
import { repositoryRoot } from '../../../scripts/platform.ts';

const folder = join(repositoryRoot, 'agents');
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

function load(name: string): AgentFile {
  const { variables = {} } = parse(read(name)) as { variables?: AgentFile['variables'] };
  const values = Object.entries(variables).flatMap(([key, { example }]) =>
    example === undefined ? [] : [[key, example]],
  );
  const file = readAgentFile(read(name), Object.fromEntries(values) as Record<string, string>);
  if (!file.ok) throw new Error(`${name}: ${file.failure.message}`);
  return file.value;
}

describe('the templates', () => {
  test('are thirty and more, each in the file that its slug names', () => {
    expect(names.length).toBeGreaterThanOrEqual(30);
    expect(names.map((name) => `${load(name).slug}.yaml`)).toEqual(names);
  });

  test.for(names)('%s is valid, and says what the agent does and what it is for', (name) => {
    const { definition, variables } = load(name);
    expect(definition.instructions.length).toBeGreaterThan(400);
    expect(definition.goals.length).toBeGreaterThanOrEqual(2);
    expect(definition.persona?.role).toBeTruthy();
    expect(definition.tools.length).toBeGreaterThan(0);
    for (const variable of Object.values(variables)) {
      expect(variable.example ?? variable.default, 'a variable shows what belongs there').toBeDefined();
    }
  });

  test('share no sentence of their instructions, and no goal', () => {
    const seen = new Map<string, string>();
    for (const name of names) {
      const { instructions, goals } = load(name).definition;
      for (const line of [...instructions.split(/(?<=[.:])\s+/), ...goals].filter((text) => text.length > 20)) {
        expect(seen.get(line), `"${line}" of ${name}`).toBeUndefined();
        seen.set(line, name);
      }
    }
  });

  test('ask only agents that are among them, and never in a circle', () => {
    const files = new Map(names.map((name) => [load(name).slug, load(name)]));
    const visit = (slug: string, above: readonly string[]): void => {
      expect(above).not.toContain(slug);
      const file = files.get(slug);
      expect(file, slug).toBeDefined();
      for (const tool of file!.definition.tools) {
        if (tool.type === 'builtin' && tool.name === 'ask_agent') {
          for (const asked of tool.allow) visit(asked, [...above, slug]);
        }
      }
    };
    for (const slug of files.keys()) visit(slug, []);
  });

  test('let no effect on money, access or people out without approval or idempotency', () => {
    for (const name of names) {
      for (const tool of load(name).definition.tools) {
        if (tool.type !== 'http') continue;
        expect(tool.credential, `${name} ${tool.name}`).not.toBeNull();
        if (/refund|order$|grant|journal|erasure|restart|revoke|unlock|send_|book/.test(tool.name)) {
          if (tool.name !== 'raise_order') expect(tool.approval, `${name} ${tool.name}`).not.toBe('never');
        }
      }
    }
  });
});

describe('agent.schema.json', () => {
  test('is what the contract says', () => {
    expect(JSON.parse(readFileSync(schemaPath, 'utf8'))).toEqual(JSON.parse(agentFileSchema()));
  });

  test('names every member of a definition, and allows no other', () => {
    const schema = JSON.parse(agentFileSchema()) as {
      additionalProperties: boolean;
      properties: Record<string, { properties?: object }>;
    };
    expect(schema.additionalProperties).toBe(false);
    expect(Object.keys(schema.properties['definition']?.properties ?? {})).toEqual(
      Object.keys(agentFile.shape.definition.unwrap().shape),
    );
  });
});
