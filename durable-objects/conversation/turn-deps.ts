/** A turn's ways out: the tenant's memory, the catalogue, the tenant's ledger, the bridge. */
import type { Clock } from '../../shared/core/clock.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { ok } from '../../shared/core/result.ts';
import { Catalog, resolveRoute } from '../../shared/inference/catalog.ts';
import { lostRunReleaseAt } from '../../shared/inference/reservation.ts';
import { callBridge } from '../../shared/inference/inference-client.ts';
import { PlatformKey } from '../../shared/inference/platform-key.ts';
import { makeTicket, TicketSeal } from '../../shared/inference/ticket.ts';
import { HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import { hashEmbedder, recallMemories } from '../../shared/store/recall.ts';
import { tenantScope } from '../../shared/tenancy/tenant-scope.ts';
import { Objects, reached, type Platform } from '../stubs.ts';
import type { TurnDeps } from './turn-runner.ts';

const catalog = new Catalog(systemClock);
let platformKey: Promise<PlatformKey> | undefined;

export function turnDeps(platform: Platform, tenantId: TenantId, clock: Clock): TurnDeps {
  const objects = new Objects(platform);
  const tenant = objects.tenant(tenantId);
  const seal = new TicketSeal(platform.PLATFORM_SIGNING_KEY);
  return {
    clock,
    async recall(start, query) {
      const recalled = await recallMemories(
        {
          store: objects.memories(),
          index: objects.vectorIndex(tenantId, HashEmbeddingModel),
          embedder: hashEmbedder,
          clock,
        },
        tenantScope(tenantId),
        start.agent!.id,
        { query: query.slice(0, 2_000), limit: start.recallLimit, filter: {} },
      );
      return recalled.ok ? ok(recalled.value.hits.map(({ id, text, score }) => ({ id, text, score }))) : recalled;
    },
    async findRoute(start) {
      const view = await catalog.view(objects.catalogSource());
      if (!view.ok) return view;
      return resolveRoute(view.value, { model: start.model, operation: 'chat', allowExternal: start.allowExternal });
    },
    async admitRun(start, needMicros) {
      const admitted = await reached(tenant.admitRun(start.principal, start.agent?.id ?? null, needMicros));
      return admitted.ok ? admitted.value : admitted;
    },
    async callModel(start, call) {
      platformKey ??= PlatformKey.parse(platform.PLATFORM_SIGNING_KEY);
      const jobToken = await (
        await platformKey
      ).signJob(
        {
          run: call.reservation.run,
          bridge: call.route.bridge.id,
          tenant: tenantId,
          operation: 'chat',
          model: call.route.model.id,
          maxOutputTokens: call.reservation.maxOutputTokens,
          allowExternal: start.allowExternal,
          timeoutMs: start.timeoutMs,
          ticket: seal.seal(
            makeTicket(tenantId, start.principal, start.agent?.id ?? null, call.lease?.id ?? null, call.reservation),
          ),
        },
        clock.now(),
      );
      const answer = await callBridge({
        bridgeUrl: call.route.bridge.url,
        path: '/v1/chat/completions',
        jobToken,
        body: call.body,
        requestId: start.requestId,
        traceparent: start.traceparent,
        signal: call.signal,
      });
      if (!answer.ok && answer.failure.unreached && call.lease) {
        const { run, maxMicros } = call.reservation;
        const releaseAt = lostRunReleaseAt(clock.now(), start.timeoutMs);
        await reached(tenant.noteLostRun(run, call.lease.id, maxMicros, releaseAt));
      }
      return answer;
    },
  };
}
