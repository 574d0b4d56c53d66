/** Sends an admitted run to its bridge and passes the answer on as it comes. */
import { ok, type Result } from '../../../shared/core/result.ts';
import { callBridge } from '../../../shared/inference/inference-client.ts';
import { lostRunReleaseAt } from '../../../shared/inference/reservation.ts';
import { makeTicket } from '../../../shared/inference/ticket.ts';
import type { TenantCall } from '../../edge/tenant-call.ts';
import { raw, type Reply } from '../../http/reply.ts';
import { guardStream } from './guard-stream.ts';
import type { PlannedRun } from './plan-run.ts';

export async function forwardRun(
  call: TenantCall,
  planned: PlannedRun,
  body: { readonly model: string; readonly text: string },
): Promise<Result<Reply>> {
  const { route, reservation, operation, timeoutMs } = planned;
  const key = await call.platformKey();
  const jobToken = await key.signJob(
    {
      run: reservation.run,
      bridge: route.bridge.id,
      tenant: call.tenantId,
      operation,
      model: route.model.id,
      maxOutputTokens: reservation.maxOutputTokens,
      allowExternal: false,
      timeoutMs,
      ticket: call.ticketSeal().seal(makeTicket(call.tenantId, call.principal, null, call.lease, reservation)),
    },
    call.clock.now(),
  );
  const answer = await callBridge({
    bridgeUrl: route.bridge.url,
    path: operation === 'chat' ? '/v1/chat/completions' : '/v1/embeddings',
    jobToken,
    body: body.model === route.model.id ? body.text : withModel(body.text, route.model.id),
    requestId: call.requestId,
    traceparent: call.traceparent,
    signal: call.signal,
  });
  if (!answer.ok) {
    if (answer.failure.unreached && call.lease !== null) {
      const releaseAt = lostRunReleaseAt(call.clock.now(), timeoutMs);
      await call.tenant.noteLostRun(reservation.run, call.lease, reservation.maxMicros, releaseAt);
    }
    return answer;
  }
  const { status, headers, body: stream } = answer.value;
  const type = headers.get('content-type') ?? 'application/json';
  const streams = type.startsWith('text/event-stream');
  return ok(
    raw(
      new Response(streams && stream ? guardStream(stream) : stream, {
        status,
        headers: {
          'content-type': type,
          'cache-control': 'no-cache',
          ...(streams ? { 'x-accel-buffering': 'no' } : {}),
        },
      }),
    ),
  );
}

/** Puts the real id where the caller wrote an alias. */
function withModel(text: string, model: string): string {
  return JSON.stringify({ ...(JSON.parse(text) as object), model });
}
