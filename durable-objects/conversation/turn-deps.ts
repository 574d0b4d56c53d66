/** A turn's ways out: the tenant's memory, the catalogue, the tenant's ledger, the bridge. */
import { memoryPolicyOf } from '../../shared/agents/memory-policy.ts';
import type { Clock } from '../../shared/core/clock.ts';
import type { TenantId } from '../../shared/core/ids.ts';
import { authorize } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { withTrace } from '../../shared/contracts/audit.ts';
import { createMemory } from '../../shared/contracts/memories.ts';
import { Egress } from '../../shared/egress/egress.ts';
import { askMemoryModel } from '../../shared/inference/ask-memory-model.ts';
import { callBridge, callFirstBridge, lostRunOf } from '../../shared/inference/inference-client.ts';
import { makeTicket, TicketSeal } from '../../shared/inference/ticket.ts';
import { HashEmbeddingModel } from '../../shared/core/hash-embedding.ts';
import { hashEmbedder, recallMemories } from '../../shared/store/recall.ts';
import { exportSpan, isTracing } from '../../shared/telemetry/platform-otlp.ts';
import { tenantScope } from '../../shared/tenancy/tenant-scope.ts';
import { watchStanding } from '../../shared/tenancy/watch-standing.ts';
import { catalog, nodeWays, platformKeyOf } from '../node-ways.ts';
import { Objects, reached, type Platform } from '../stubs.ts';
import { agentDeps } from './agent-deps.ts';
import { makeAskedTurn, toAnswer } from './asked-turn.ts';
import { listMcpTools } from './tools/mcp-tool.ts';
import type { ExtractionWays } from './memory-extractor.ts';
import { toTurnSpan, traceOfTurn } from './trace-turn.ts';
import type { TurnDeps } from './turn-runner.ts';

const ListTimeoutMs = 10_000;
/** So long a turn waits for the vector of its question. */
const EmbedTimeoutMs = 5_000;

export function turnDeps(platform: Platform, tenantId: TenantId, clock: Clock): TurnDeps & ExtractionWays {
  const objects = new Objects(platform);
  const tenant = objects.tenant(tenantId);
  const seal = new TicketSeal(platform.PLATFORM_SIGNING_KEY);
  const egress = Egress.of(platform);
  const reveal: TurnDeps['reveal'] = async (start, name, purpose) => {
    const secret = await flat(tenant.vault.reveal(name, `${purpose}, ${start.responseId}`, start.principal));
    return secret.ok ? ok(secret.value.value) : secret;
  };
  return {
    clock,
    ...agentDeps(objects, tenantId),
    egress,
    reveal,
    checkStanding: (start) => flat(tenant.checkStanding(start.principal, start.agent?.id ?? null)),
    async noteApproval(start, { id, status, createdAt, boundTo }, by) {
      const decidedBy = by ? withTrace({ kind: by.kind, id: by.id }, by.traceparent) : null;
      const agent = start.agent?.id ?? null;
      return reached(tenant.approvals.note({ id, agent, status, tool: boundTo.tool, createdAt, decidedBy }));
    },
    async listTools(start, signal) {
      const servers = (start.agent?.definition.tools ?? []).filter((tool) => tool.type === 'mcp');
      return Promise.all(
        servers.map(async (server) => {
          const ways = { egress, reveal: (name: string, purpose: string) => reveal(start, name, purpose) };
          const listed = await listMcpTools(ways, server, { timeoutMs: ListTimeoutMs, signal });
          const label = server.server_label;
          if (!listed.ok) return { server: label, tools: [], error: listed.failure.message };
          const { tools, refused } = listed.value;
          const offered = tools.map(({ name, hash, description, parameters }) => ({
            name,
            hash,
            definition: JSON.stringify({ name, description, parameters }),
          }));
          const held = await reached(tenant.toolPins.judge(server.server_url, offered));
          if (!held.ok) return { server: label, tools: [], error: held.failure.message };
          const left = [...refused, ...held.value.map((name) => `"${name}" is held for review`)];
          return {
            server: label,
            tools: tools.map((tool) => ({ ...tool, held: held.value.includes(tool.name) })),
            error: left.length === 0 ? null : `Left out: ${left.join('; ')}`.slice(0, 2_000),
          };
        }),
      );
    },
    writeMemory: (start, id, text, kind) =>
      flat(
        objects.agent(tenantId, start.agent!.id).memories.append(
          start.agent!.id,
          [
            {
              ...createMemory.parse({ text, kind, source: { type: 'tool', ref: start.responseId } }),
              id,
              author: start.principal.id,
              traceparent: traceOfTurn(start),
            },
          ],
          memoryPolicyOf(start.agent!),
        ),
      ),
    writeMemories: (start, memories) =>
      flat(
        objects
          .agent(tenantId, start.agent!.id)
          .memories.write(start.agent!.id, memories, memoryPolicyOf(start.agent!)),
      ),
    forgetMemory: (start, id) =>
      flat(objects.agent(tenantId, start.agent!.id).memories.delete(start.agent!.id, id, traceOfTurn(start))),
    async askAgent(start, { agent, text, share }, { effectId, signal }) {
      const live = await flat(tenant.agents.findLive(agent, start.principal.scope.environment ?? 'prod'));
      if (!live.ok) return live;
      const asked = live.value;
      const reach = authorize(start.principal, 'inference:invoke', { agent: asked.id });
      if (!reach.ok) return reach;
      const askedBy = [...(start.askedBy ?? []), ...(start.agent ? [start.agent.id] : [])];
      if (askedBy.includes(asked.id))
        return err('conflict', `The agent "${agent}" is waiting for this very answer: it cannot be asked.`);
      const child = makeAskedTurn(start, asked, { askedBy, text, share, effectId });
      const held = await reached(tenant.holdConversation(child.principal, asked.id, child.conversationId));
      if (!held.ok) return held;
      const conversation = objects.conversation(tenantId, child.conversationId);
      const started = await flat(conversation.startResponse(child));
      if (!started.ok) return started;
      const stop = () => void reached(conversation.cancelResponse(start.principal, child.responseId));
      signal.addEventListener('abort', stop, { once: true });
      const ended = await flat(conversation.awaitEnd(start.principal, child.responseId));
      signal.removeEventListener('abort', stop);
      return ended.ok ? toAnswer(ended.value, agent) : ended;
    },
    async recall(start, query, limit) {
      const agentId = start.agent!.id;
      const { principal, requestId, traceparent, lane = 'interactive' } = start;
      const asker = {
        ways: nodeWays(platform, tenantId, clock),
        caller: { principal, agentId, requestId, traceparent, lane, timeoutMs: EmbedTimeoutMs },
        findSpace: () => flat(objects.agent(tenantId, agentId).memories.currentSpace(agentId)),
        vectorIndex: (space: string) => objects.vectorIndex(tenantId, space),
      };
      const recalled = await recallMemories(
        {
          store: objects.memories(),
          index: objects.vectorIndex(tenantId, HashEmbeddingModel),
          embedder: hashEmbedder,
          clock,
          askModel: (text) => askMemoryModel(asker, text),
        },
        tenantScope(tenantId),
        agentId,
        { query: query.slice(0, 2_000), limit, filter: {} },
      );
      return recalled.ok ? ok(recalled.value.hits.map(({ id, text, score }) => ({ id, text, score }))) : recalled;
    },
    async findRoute(start, model) {
      const { allowExternal, conversationId: key } = start;
      return catalog.route(objects.catalogSource(), tenantId, { model, operation: 'chat', allowExternal, key });
    },
    async admitRun(start, { run, maxMicros, maxTokens }) {
      const turn = { conversation: start.conversationId, agent: start.agent?.id ?? null, run };
      const need = { micros: maxMicros, tokens: maxTokens };
      const admitted = await reached(tenant.admitRun(start.principal, turn, need));
      return admitted.ok ? admitted.value : admitted;
    },
    watchStanding(start, onFall) {
      const ask = async () => {
        const stands = await reached(tenant.stands(start.principal));
        return stands.ok ? stands.value : stands;
      };
      return watchStanding({ tenant: tenantId, principal: start.principal, ask, now: () => clock.now() }, onFall);
    },
    traceTurn(start, response) {
      const span = isTracing(platform) ? toTurnSpan(start, response, clock.now()) : undefined;
      if (span) exportSpan(platform, span, [], (work) => void work);
    },
    async callModel(start, call) {
      const key = await platformKeyOf(platform);
      const agent = start.agent?.id ?? null;
      const answer = await callFirstBridge(call.route, async (bridge) => {
        const held = { ...call.reservation, bridge: bridge.id };
        const jobToken = await key.signJob(
          {
            run: held.run,
            bridge: bridge.id,
            jobKey: bridge.jobKey,
            tenant: tenantId,
            operation: 'chat',
            model: call.route.model.id,
            maxOutputTokens: held.maxOutputTokens,
            allowExternal: start.allowExternal,
            timeoutMs: start.timeoutMs,
            node: call.route.node ?? undefined,
            lane: call.lane,
            affinity: start.conversationId,
            ticket: seal.seal(makeTicket(tenantId, start.principal, agent, call.lease?.id ?? null, held)),
          },
          clock.now(),
        );
        return callBridge({
          fetch: objects.bridgeFetch(bridge),
          operation: 'chat',
          jobToken,
          body: call.body,
          requestId: start.requestId,
          traceparent: traceOfTurn(start),
          signal: call.signal,
        });
      });
      const releaseAt = answer.ok ? undefined : lostRunOf(answer.failure, clock.now(), start.timeoutMs);
      if (releaseAt !== undefined && call.lease) {
        const { run, maxMicros, maxTokens } = call.reservation;
        await reached(tenant.noteLostRun(run, call.lease.id, { micros: maxMicros, tokens: maxTokens }, releaseAt));
      }
      return answer;
    },
  };
}

/** An object that does not answer is an outage; what it answers is its Result. */
async function flat<T>(call: Promise<Result<T>>): Promise<Result<T>> {
  const answer = await reached(call);
  return answer.ok ? answer.value : answer;
}
