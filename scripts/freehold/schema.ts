/** `npm run freehold -- schema`: writes the JSON Schema by which an editor knows agents' files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { agentFile } from '../../shared/contracts/agent-file.ts';
import { repositoryRoot } from '../platform.ts';

export const schemaPath = join(repositoryRoot, 'agents/agent.schema.json');

export function agentFileSchema(): string {
  const schema = z.toJSONSchema(agentFile, { io: 'input', unrepresentable: 'any' });
  return `${JSON.stringify({ title: 'A Freehold agent', ...schema }, null, 2)}\n`;
}

export async function run(): Promise<number> {
  writeFileSync(schemaPath, agentFileSchema());
  console.log(`wrote ${schemaPath}`);
  return 0;
}
