/**
 * Which node serves a job, and what a node's failures mean for the next ones. Pure: the pool holds the state.
 * A circuit opens after three failures in a row, for a time that doubles; then one probe decides.
 */
import { computeBackoffMs } from '../shared/core/backoff.ts';
import type { JobOperation } from '../shared/contracts/inference.ts';
import { fail } from '../shared/core/failure.ts';
import { hashText } from '../shared/core/hash-text.ts';
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

/** The time of an open circuit is over, and no probe has decided yet. */
export function isHalfOpen(circuit: Circuit, now: number): boolean {
  return circuit.failures >= FailuresToOpen && now >= circuit.openUntil;
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
  /** Is known to produce, and is to get jobs; its circuit is looked at besides. */
  readonly ready: boolean;
  /** What it served when it last answered, by operation and model. */
  readonly serves: (operation: JobOperation, model: string) => boolean;
  /** Whether the model is in its memory. */
  readonly hasLoaded: (model: string) => boolean;
  /** Jobs that it may have at once; null for any number. */
  readonly capacity: number | null;
  readonly outstanding: number;
  /** What its jobs may still read and write. */
  readonly outstandingTokens: number;
  /** Jobs of anybody that wait inside it, by its own count. */
  readonly waiting: number;
  readonly circuit: Circuit;
};

export type DispatchAsk = {
  readonly operation: JobOperation;
  readonly model: string;
  readonly allowExternal: boolean;
  /** The one node that may serve it. */
  readonly node?: string | undefined;
  /** What belongs together (a conversation of a tenant): the same node has the beginning of it in its cache. */
  readonly affinity?: string | undefined;
  /** Names of the nodes that were tried. */
  readonly tried: ReadonlySet<string>;
  readonly now: number;
};

/** A job that waits inside a node counts as this many tokens: its size is known to nobody here. */
const TokensOfWaitingJob = 1_000;
/** So much more may a node have to do than the least busy one, for it to be worth its cache. */
const AffinitySlackTokens = 8_000;

/**
 * The node that is to serve: of those with room, one that has the model in memory, then the conversation's own unless it
 * is much busier, then the one with the least to do; on a tie the first of the configuration. Undefined: all are full.
 */
export function decideNode<C extends Candidate>(candidates: readonly C[], ask: DispatchAsk): Result<C | undefined> {
  const serving = candidates.filter(
    (each) => each.serves(ask.operation, ask.model) && (ask.node === undefined || each.name === ask.node),
  );
  if (serving.length === 0) return err('model_not_found');
  const allowed = serving.filter((each) => ask.allowExternal || !each.external);
  if (allowed.length === 0) {
    return err(
      'permission_denied',
      "Only a node outside the operator's hardware has this model, and the job does not allow it.",
    );
  }
  const usable = allowed.filter((each) => each.ready && !ask.tried.has(each.name) && !isOpen(each.circuit, ask.now));
  if (usable.length === 0) return { ok: false, failure: fail('node_unavailable') };
  const free = usable.filter((each) => each.capacity === null || each.outstanding < each.capacity);
  const loaded = free.filter((each) => each.hasLoaded(ask.model));
  return ok(pickLeastBusy(loaded.length > 0 ? loaded : free, ask.affinity));
}

function pickLeastBusy<C extends Candidate>(nodes: readonly C[], affinity: string | undefined): C | undefined {
  let least: C | undefined;
  for (const each of nodes) if (!least || busynessOf(each) < busynessOf(least)) least = each;
  if (!least || affinity === undefined || nodes.length === 1) return least;
  const own = pickByRendezvous(nodes, affinity);
  return busynessOf(own) <= busynessOf(least) + AffinitySlackTokens ? own : least;
}

function busynessOf({ outstanding, outstandingTokens, waiting }: Candidate): number {
  return outstandingTokens + outstanding + waiting * TokensOfWaitingJob;
}

/** Highest of the hashes of key and name: a node that comes or goes moves only what is its own. */
function pickByRendezvous<C extends Candidate>(nodes: readonly C[], key: string): C {
  return nodes.reduce((best, each) =>
    hashText(`${key} ${each.name}`) > hashText(`${key} ${best.name}`) ? each : best,
  );
}
