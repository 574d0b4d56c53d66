/** Plans one run on a plain model: where it goes and the most that it may cost. */
import { ok, type Result } from '../../../shared/core/result.ts';
import type { JobClaims, JobOperation } from '../../../shared/contracts/inference.ts';
import { mintId } from '../../../shared/core/ids.ts';
import type { Route } from '../../../shared/inference/resolve-route.ts';
import { makeReservation, MaxTimeoutMs, type RunBound } from '../../../shared/inference/reservation.ts';
import type { AdmissionPlan, TenantRequest } from '../../edge/tenant-call.ts';
import type { Reservation } from '../../../shared/contracts/admission.ts';

export type PlannedRun = {
  readonly route: Route;
  /** Finds it anew. */
  readonly renew: () => Promise<Result<Route>>;
  readonly reservation: Reservation;
  readonly operation: JobOperation;
  readonly timeoutMs: number;
  readonly lane: JobClaims['lane'];
  readonly affinity: string | undefined;
  /** The model that was wanted, where a budget let the run through on a cheaper one. */
  readonly degradedFrom: string | undefined;
};

type WantedRun = {
  readonly model: string;
  readonly operation: JobOperation;
  /** The most that it may read and write. */
  readonly bound: (route: Route) => RunBound;
  readonly lane?: JobClaims['lane'];
  /** What the caller says belongs together. */
  readonly affinity?: string | undefined;
};

export async function planRun(
  request: TenantRequest,
  wanted: WantedRun,
  degradedFrom?: string,
): Promise<Result<AdmissionPlan<PlannedRun>>> {
  const { model, operation } = wanted;
  /** Always a new run: a bridge serves each once, so a request that is tried again needs another. */
  const run = mintId('run', request.clock.now());
  const key = wanted.affinity ?? run;
  const asked = { model, operation, allowExternal: false, key };
  const route = await request.route(asked);
  if (!route.ok) return route;
  const reservation = makeReservation(run, route.value, wanted.bound(route.value));
  return ok({
    startsRun: true,
    model: route.value.model.id,
    need: { micros: reservation.maxMicros, tokens: reservation.maxTokens },
    degraded: (cheaper) => planRun(request, { ...wanted, model: cheaper }, model),
    planned: {
      route: route.value,
      renew: () => request.routeAnew(asked),
      reservation,
      operation,
      timeoutMs: MaxTimeoutMs,
      lane: wanted.lane,
      affinity: wanted.affinity,
      degradedFrom,
    },
  });
}
