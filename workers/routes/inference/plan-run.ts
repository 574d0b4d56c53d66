/** Plans one run on a plain model: where it goes and the most that it may cost. */
import { ok, type Result } from '../../../shared/core/result.ts';
import type { JobClaims } from '../../../shared/contracts/inference.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { resolveRoute, type Route } from '../../../shared/inference/catalog.ts';
import { boundOutputTokens, makeReservation } from '../../../shared/inference/reservation.ts';
import type { AdmissionPlan, TenantRequest } from '../../edge/tenant-call.ts';
import type { Reservation } from '../../../shared/contracts/admission.ts';

export type PlannedRun = {
  readonly route: Route;
  readonly reservation: Reservation;
  readonly operation: JobClaims['operation'];
  readonly timeoutMs: number;
};

const RunTimeoutMs = 600_000;

export async function planRun(
  request: TenantRequest,
  wanted: {
    readonly model: string;
    readonly operation: JobClaims['operation'];
    /** Undefined: the default bound. Embeddings produce none. */
    readonly maxOutputTokens: number | null | undefined;
    readonly text: string;
    readonly messages: number;
  },
): Promise<Result<AdmissionPlan<PlannedRun>>> {
  const view = await request.catalog();
  if (!view.ok) return view;
  const { model, operation } = wanted;
  const route = resolveRoute(view.value, { model, operation, allowExternal: false });
  if (!route.ok) return route;
  const maxOutputTokens = operation === 'chat' ? boundOutputTokens(route.value, wanted.maxOutputTokens) : 0;
  /** Three bytes a UTF-16 unit is the most that UTF-8 needs: a bound without encoding the text. */
  const bound = { inputBytes: wanted.text.length * 3, messages: wanted.messages, maxOutputTokens };
  /** Always a new run: a bridge serves each once, so a request that is tried again needs another. */
  const run = mintId('run', request.clock.now());
  const reservation = makeReservation(run, route.value, bound);
  return ok({
    needMicros: reservation.maxMicros,
    planned: { route: route.value, reservation, operation, timeoutMs: RunTimeoutMs },
  });
}
