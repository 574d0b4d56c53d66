/** Sends an admitted run to its bridge and passes the answer on as it comes. */
import { CacheHeader } from '../../../shared/contracts/inference.ts';
import { ok, type Result } from '../../../shared/core/result.ts';
import type { BridgeAddress } from '../../../shared/inference/catalog.ts';
import { callBridge, callFirstBridge, lostRunOf } from '../../../shared/inference/inference-client.ts';
import { makeTicket } from '../../../shared/inference/ticket.ts';
import type { TenantCall } from '../../edge/tenant-call.ts';
import { raw, type BytesCountedBy, type Reply } from '../../http/reply.ts';
import { DegradedHeader } from './degraded.ts';
import type { PlannedRun } from './plan-run.ts';

export async function forwardRun(
  call: TenantCall,
  planned: PlannedRun,
  body: {
    readonly model: string;
    readonly text: string;
    /** By the edge where the answer does not leave as the bridge wrote it. */
    readonly bytesCountedBy?: BytesCountedBy;
  },
): Promise<Result<Reply>> {
  const bytesCountedBy = body.bytesCountedBy ?? 'bridge';
  const { route, renew, reservation, operation, timeoutMs, lane, affinity, degradedFrom } = planned;
  const key = await call.platformKey();
  const text = body.model === route.model.id ? body.text : withModel(body.text, route.model.id);
  const send = async (bridge: BridgeAddress) => {
    const held = { ...reservation, bridge: bridge.id };
    const ticket = call.ticketSeal().seal(makeTicket(call.tenantId, call.principal, null, call.lease, held));
    const jobToken = await key.signJob(
      {
        run: held.run,
        bridge: bridge.id,
        jobKey: bridge.jobKey,
        tenant: call.tenantId,
        operation,
        model: route.model.id,
        maxOutputTokens: held.maxOutputTokens,
        allowExternal: false,
        timeoutMs,
        node: route.node ?? undefined,
        lane,
        affinity,
        countAnswer: bytesCountedBy === 'bridge',
        cache: call.header(CacheHeader) === '1',
        ticket,
      },
      call.clock.now(),
    );
    return callBridge({
      fetch: call.bridgeFetch(bridge),
      operation,
      jobToken,
      body: text,
      requestId: call.requestId,
      traceparent: call.traceparent,
      signal: call.signal,
    });
  };
  const answer = await callFirstBridge(route, send, renew);
  if (!answer.ok) {
    const releaseAt = lostRunOf(answer.failure, call.clock.now(), timeoutMs);
    if (releaseAt !== undefined && call.lease !== null) {
      const need = { micros: reservation.maxMicros, tokens: reservation.maxTokens };
      await call.tenant.noteLostRun(reservation.run, call.lease, need, releaseAt);
    }
    return answer;
  }
  const { status, headers, body: stream } = answer.value;
  const type = headers.get('content-type') ?? 'application/json';
  const cache = headers.get(CacheHeader);
  const streams = type.startsWith('text/event-stream');
  return ok(
    raw(
      new Response(stream, {
        status,
        headers: {
          'content-type': type,
          'cache-control': 'no-cache',
          ...(streams ? { 'x-accel-buffering': 'no' } : {}),
          ...(cache === null ? {} : { [CacheHeader]: cache }),
          ...(degradedFrom === undefined ? {} : { [DegradedHeader]: degradedFrom }),
        },
      }),
      bytesCountedBy,
    ),
  );
}

/** Puts the real id where the caller wrote an alias. */
function withModel(text: string, model: string): string {
  return JSON.stringify({ ...(JSON.parse(text) as object), model });
}
