/** Plans one run on a plain model: where it goes and the most that it may cost. */
import { ok, type Result } from '../../../shared/core/result.ts';
import type { JobClaims } from '../../../shared/contracts/inference.ts';
import { resolveRoute, type Route } from '../../../shared/inference/catalog.ts';
import { boundOutputTokens, makeReservation } from '../../../shared/inference/reservation.ts';
import type { AdmissionPlan, TenantRequest } from '../../edge/tenant-call.ts';
import type { RunId } from '../../../shared/core/ids.ts';

export type PlannedRun = {
  readonly run: RunId;
  readonly route: Route;
  readonly operation: JobClaims['operation'];
  readonly maxOutputTokens: number;
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
  const run = request.mint('run');
  /** Three bytes a UTF-16 unit is the most that UTF-8 needs: a bound without encoding the text. */
  const bound = { inputBytes: wanted.text.length * 3, messages: wanted.messages, maxOutputTokens };
  const reservation = makeReservation(run, route.value, bound, request.clock.now(), RunTimeoutMs);
  return ok({ reservation, planned: { run, route: route.value, operation, maxOutputTokens, timeoutMs: RunTimeoutMs } });
}
