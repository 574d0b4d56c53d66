import { memoryPolicyOf } from '../../../shared/agents/memory-policy.ts';
import { err, ok } from '../../../shared/core/result.ts';
import { memoryImport, MemoryExportMedia } from '../../../shared/contracts/memories.ts';
import { ExportReader, type ExportFault } from '../../../shared/store/memory-export.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const importMemories = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/memories/import',
    operation: 'importMemories',
    summary: 'Take over an export of memories, of any tenant, into an agent that has none. Its chain goes on holding.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:write',
    params: agentParams,
    rawBody: MemoryExportMedia,
    answer: { status: 201, schema: memoryImport },
  },
  async (call, { text }) => {
    const agent = call.agent!;
    const reader = new ExportReader();
    for (const line of text.replace(/\n$/, '').split('\n')) {
      const fault = reader.take(line);
      if (fault) return refused(fault);
    }
    const end = reader.finish();
    if (!('head' in end)) return refused(end);
    const exported = { rows: reader.rows, head: end.head };
    const done = await call.agentObject(agent.id).memories.import(agent.id, exported, memoryPolicyOf(agent));
    return done.ok ? ok(json(done.value, 201)) : done;
  },
);

function refused({ line, reason }: ExportFault) {
  return err('invalid_request', `Line ${line} of the export: ${reason}.`, { param: 'body' });
}
