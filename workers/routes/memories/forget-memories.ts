import { createHash } from 'node:crypto';
import { ok } from '../../../shared/core/result.ts';
import { toIso } from '../../../shared/core/clock.ts';
import { forgetRequest, signedForgetting, type ForgetCertificate } from '../../../shared/contracts/memories.ts';
import { tenantRoute } from '../../http/define-route.ts';
import { json } from '../../http/reply.ts';
import { agentParams } from '../params.ts';

export const forgetMemories = tenantRoute(
  {
    method: 'POST',
    path: '/v1/agents/{agent}/memories/forget',
    operation: 'forgetMemories',
    summary: 'Forget memories, and what was made from them, for good; answers with a signed certificate.',
    tag: 'Memories',
    surface: 'native',
    permission: 'memories:write',
    params: agentParams,
    body: forgetRequest,
    answer: { status: 200, schema: signedForgetting },
  },
  async (call, { body }) => {
    const agentId = call.agent!.id;
    const forgotten = await call.agentObject(agentId).memories.forget(agentId, body, call.traceparent);
    if (!forgotten.ok) return forgotten;
    const { ids, at, head } = forgotten.value;
    const certificate: ForgetCertificate = {
      object: 'memory.certificate',
      tenant: call.tenantId,
      agent: agentId,
      forgotten: [...ids],
      forgotten_at: toIso(at),
      head,
      found_again: { rows: 0, index: 0, pending: 0 },
    };
    const { forgotten: listed, ...stated } = certificate;
    const digest = createHash('sha256').update(listed.join('\n')).digest('hex');
    const signer = await call.platformKey();
    const signature = await signer.signForgetting({ ...stated, count: listed.length, ids_sha256: digest });
    return ok(json({ ...certificate, signature }));
  },
);
