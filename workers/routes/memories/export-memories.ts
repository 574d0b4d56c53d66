/**
 * An agent's chain as JSON lines in canonical form, every entry as it is stored, and the head as the last line: an export
 * without that line is cut. `scripts/verify-memory.ts` verifies one without any platform.
 */
import { exportQuery, MemoryExportMedia as Media } from '../../../shared/contracts/memories.ts';
import { canonicalJson } from '../../../shared/core/canonical-json.ts';
import { FailureError } from '../../../shared/core/failure.ts';
import { ok } from '../../../shared/core/result.ts';
import { toExportedHead, toExportedMemory } from '../../../shared/store/memory-export.ts';
import type { MemoryRecord } from '../../../shared/store/memory-chain.ts';
import type { TenantCall } from '../../edge/tenant-call.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { raw } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

const PageSize = 500;
const encoder = new TextEncoder();

export const exportMemories = tenantRoute(
  {
    method: 'GET',
    path: '/v1/agents/{agent}/memories/export',
    operation: 'exportMemories',
    summary: 'Export the memories of an agent as JSON lines; the last line is the head of their chain.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:read',
    params: agentParams,
    query: exportQuery,
    answer: { status: 200, media: Media },
  },
  async (call, { query }) => {
    const agentId = call.agent!.id;
    const { memories } = call.agentObject(agentId);
    // The first page is read before anything is answered, so that an outage is still a 503.
    let page = await memories.page(agentId, 0, PageSize);
    if (!page.ok) return page;
    let after: number | undefined = 0;
    const lines = new ReadableStream<Uint8Array>({
      async pull(stream) {
        if (after === undefined) return stream.close();
        if (after > 0) page = await memories.page(agentId, after, PageSize);
        if (!page.ok) return stream.error(new FailureError(page.failure));
        const { rows, head } = page.value;
        const vectors = query.vectors === 'true' ? await readVectors(call, rows) : new Map<string, readonly number[]>();
        const written = [
          ...rows.map((row) => toExportedMemory(row, vectors.get(row.id))),
          ...(head ? [toExportedHead(call.tenantId, agentId, head)] : []),
        ].map((line) => `${canonicalJson(line)}\n`);
        after = head ? undefined : rows.at(-1)!.sequence;
        stream.enqueue(encoder.encode(written.join('')));
      },
    });
    return ok(raw(new Response(lines, { headers: { 'content-type': Media, 'cache-control': 'no-store' } })));
  },
);

async function readVectors(
  call: TenantCall,
  rows: readonly MemoryRecord[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const live = rows.filter(({ deletedAt, kind }) => deletedAt === null && kind !== 'checkpoint');
  const found = await Promise.all(
    [...Map.groupBy(live, ({ embeddingSpace }) => embeddingSpace)].map(([space, inSpace]) =>
      call.vectorIndex(space).getByIds(inSpace.map(({ id }) => id)),
    ),
  );
  return new Map(found.flat().map(({ id, values }) => [id, [...values]]));
}
