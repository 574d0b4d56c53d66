/**
 * One run on a plain model that the platform itself needs, for a caller who pays for it: an embedding, a comparison. It is
 * routed, admitted, sealed and metered like every other, and never leaves the operator's own hardware.
 */
import type { Clock } from '../core/clock.ts';
import { mintId, type AgentId, type LeaseId, type RunId, type TenantId } from '../core/ids.ts';
import type { Principal } from '../core/principal.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Lease, Need } from '../contracts/admission.ts';
import type { AnnouncedModel, JobClaims, JobOperation } from '../contracts/inference.ts';
import type { BridgeAddress, CatalogView } from './catalog.ts';
import { callBridge, callFirstBridge, lostRunOf, type BridgeFetch } from './inference-client.ts';
import type { PlatformKey } from './platform-key.ts';
import { makeReservation } from './reservation.ts';
import type { Route, WantedRoute } from './resolve-route.ts';
import { makeTicket, type TicketSeal } from './ticket.ts';

/** The ways of one tenant to its nodes. */
export type NodeWays = {
  readonly tenantId: TenantId;
  readonly clock: Clock;
  readonly catalog: () => Promise<Result<CatalogView>>;
  /** Where a job goes; `routeAnew`: by the bridges that are there now. */
  readonly route: (wanted: WantedRoute) => Promise<Result<Route>>;
  readonly routeAnew: (wanted: WantedRoute) => Promise<Result<Route>>;
  /** Whether the caller may act, and what the run draws on. */
  readonly admit: (principal: Principal, agent: AgentId, need: Need) => Promise<Result<Lease | null>>;
  readonly noteLost: (run: RunId, lease: LeaseId, need: Need, at: number) => unknown;
  readonly platformKey: () => Promise<PlatformKey>;
  readonly ticketSeal: () => TicketSeal;
  readonly bridgeFetch: (bridge: BridgeAddress) => BridgeFetch;
};

/** For whom it is, and how long they wait. */
export type NodeCaller = {
  readonly principal: Principal;
  readonly agentId: AgentId;
  readonly requestId: string;
  readonly traceparent: string;
  readonly lane: NonNullable<JobClaims['lane']>;
  readonly timeoutMs: number;
};

export type NodeRun = {
  readonly model: string;
  readonly operation: JobOperation;
  /** Without `model`. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly bound: { readonly inputBytes: number; readonly messages: number };
};

/** The node's answer, and the model that the name has led to. */
export type NodeAnswer = { readonly model: AnnouncedModel; readonly body: unknown };

export async function runOnNode(ways: NodeWays, caller: NodeCaller, run: NodeRun): Promise<Result<NodeAnswer>> {
  const { tenantId, clock } = ways;
  const { principal, agentId, timeoutMs, lane } = caller;
  // The key is the agent's: a name that leads to two versions leads an agent to the same one every time.
  const wanted = { model: run.model, operation: run.operation, allowExternal: false, key: agentId };
  const route = await ways.route(wanted);
  if (!route.ok) return route;
  const { model, node } = route.value;
  const reservation = makeReservation(mintId('run', clock.now()), route.value, { ...run.bound, maxOutputTokens: 0 });
  const need = { micros: reservation.maxMicros, tokens: reservation.maxTokens };
  const lease = await ways.admit(principal, agentId, need);
  if (!lease.ok) return lease;
  const key = await ways.platformKey();
  const signal = AbortSignal.timeout(timeoutMs);
  const call = async (bridge: BridgeAddress) => {
    const held = { ...reservation, bridge: bridge.id };
    const ticket = ways.ticketSeal().seal(makeTicket(tenantId, principal, agentId, lease.value?.id ?? null, held));
    const jobToken = await key.signJob(
      {
        run: held.run,
        bridge: bridge.id,
        jobKey: bridge.jobKey,
        tenant: tenantId,
        operation: run.operation,
        model: model.id,
        maxOutputTokens: 0,
        allowExternal: false,
        timeoutMs,
        node: node ?? undefined,
        lane,
        ticket,
      },
      clock.now(),
    );
    return callBridge({
      fetch: ways.bridgeFetch(bridge),
      operation: run.operation,
      jobToken,
      body: JSON.stringify({ ...run.body, model: model.id }),
      requestId: caller.requestId,
      traceparent: caller.traceparent,
      signal,
    });
  };
  const answer = await callFirstBridge(route.value, call, () => ways.routeAnew(wanted));
  if (!answer.ok) {
    const releaseAt = lostRunOf(answer.failure, clock.now(), timeoutMs);
    if (releaseAt !== undefined && lease.value) {
      await ways.noteLost(reservation.run, lease.value.id, need, releaseAt);
    }
    return answer;
  }
  try {
    return ok({ model, body: await answer.value.json() });
  } catch (error) {
    return err('upstream_cut', undefined, { reason: String(error) });
  }
}
