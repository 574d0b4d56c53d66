/**
 * Ends what is under way for somebody who may no longer act: a suspended tenant, a revoked key. While it is under way its
 * tenant's object is asked again and again; what it said is shared by all that this isolate has under way for the same
 * caller, so there is one question in that time, not one each. An outage ends nothing.
 */
import type { Failure } from '../core/failure.ts';
import type { TenantId } from '../core/ids.ts';
import type { Principal } from '../core/principal.ts';
import type { Result } from '../core/result.ts';

/** With the time that the answer takes, the end comes within a second. */
export const AskMs = 700;
const MaxKnown = 10_000;

/** When somebody was last known, or is being asked, to be in good standing. Times only: requests may share it. */
const known = new Map<string, number>();

export type Watch = {
  readonly tenant: TenantId;
  readonly principal: Principal;
  readonly ask: () => Promise<Result<undefined>>;
  readonly now: () => number;
};

/** Calls `onFall` once, unless it is stopped before. */
export function watchStanding({ tenant, principal, ask, now }: Watch, onFall: (why: Failure) => void): () => void {
  const name = `${tenant} ${principal.id}`;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const turn = async () => {
    const why = await look();
    if (stopped) return;
    if (why) onFall(why);
    else wait();
  };
  const look = async (): Promise<Failure | undefined> => {
    const last = known.get(name);
    // Somebody else has it from the tenant's object, not long ago.
    if (last !== undefined && now() >= last && now() - last < AskMs / 2) return undefined;
    if (known.size >= MaxKnown) known.clear();
    const answer = await ask();
    if (answer.ok) known.set(name, now());
    else if (answer.failure.code !== 'service_unavailable') return answer.failure;
    return undefined;
  };
  // Spread out, so that of many the first one asks and the others find its answer.
  const wait = () => {
    const sinceMs = Math.max(0, now() - (known.get(name) ?? now()));
    timer = setTimeout(() => void turn(), Math.max(0, AskMs * (0.6 + 0.4 * Math.random()) - sinceMs));
  };
  wait();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
