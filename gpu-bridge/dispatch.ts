/**
 * Which node serves a job, and what a node's failures mean for the next ones. Pure: the pool holds the state.
 * A circuit opens after three failures in a row, for a time that doubles; then one probe decides.
 */
import { computeBackoffMs } from '../shared/core/backoff.ts';
import { fail } from '../shared/core/failure.ts';
import { err, ok, type Result } from '../shared/core/result.ts';

export type Circuit = {
  /** Failures in a row. */
  readonly failures: number;
  /** No job before this time. */
  readonly openUntil: number;
  /** A half-open circuit's one job is running. */
  readonly probing: boolean;
};

export const closedCircuit: Circuit = { failures: 0, openUntil: 0, probing: false };
const FailuresToOpen = 3;

export function isOpen(circuit: Circuit, now: number): boolean {
  if (circuit.failures < FailuresToOpen) return false;
  return circuit.probing || now < circuit.openUntil;
}

export function startAttempt(circuit: Circuit): Circuit {
  return circuit.failures < FailuresToOpen ? circuit : { ...circuit, probing: true };
}

export function recordFailure(circuit: Circuit, now: number, random: () => number): Circuit {
  const failures = circuit.failures + 1;
  if (failures < FailuresToOpen) return { failures, openUntil: 0, probing: false };
  const backoffMs = computeBackoffMs(failures - FailuresToOpen, { baseMs: 1000, capMs: 30_000, random });
  return { failures, openUntil: now + backoffMs, probing: false };
}

/** An attempt that says nothing about the node's health (the caller left, the request was at fault). */
export function recordNeutral(circuit: Circuit): Circuit {
  return circuit.probing ? { ...circuit, probing: false } : circuit;
}

export type Candidate = {
  readonly name: string;
  readonly external: boolean;
  /** Answered when last asked for its models. */
  readonly ready: boolean;
  /** What it served when it last answered, by operation and model. */
  readonly serves: (operation: 'chat' | 'embeddings', model: string) => boolean;
  readonly outstanding: number;
  readonly circuit: Circuit;
};

export type DispatchAsk = {
  readonly operation: 'chat' | 'embeddings';
  readonly model: string;
  readonly allowExternal: boolean;
  /** Names of the nodes that were tried. */
  readonly tried: ReadonlySet<string>;
  readonly now: number;
};

/** The ready node with the least outstanding work; on a tie the first of the configuration. */
export function decideNode<C extends Candidate>(candidates: readonly C[], ask: DispatchAsk): Result<C> {
  const serving = candidates.filter((each) => each.serves(ask.operation, ask.model));
  if (serving.length === 0) return err('model_not_found');
  const allowed = serving.filter((each) => ask.allowExternal || !each.external);
  if (allowed.length === 0) {
    return err(
      'permission_denied',
      "Only a node outside the operator's hardware has this model, and the job does not allow it.",
    );
  }
  let best: C | undefined;
  for (const each of allowed) {
    if (!each.ready || ask.tried.has(each.name) || isOpen(each.circuit, ask.now)) continue;
    if (!best || each.outstanding < best.outstanding) best = each;
  }
  return best ? ok(best) : { ok: false, failure: fail('node_unavailable') };
}
