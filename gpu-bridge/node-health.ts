/**
 * What is known of one node's health, and the state that follows from it. Pure. A node is believed for what it produces,
 * not for what it says: a token, of a job or of a canary, is the only proof of life.
 */
import type { NodeState } from '../shared/contracts/nodes.ts';
import { isHalfOpen, isOpen, type Circuit } from './dispatch.ts';

const CanariesToHang = 2;
const RememberedOutcomes = 20;
const OutcomesToJudge = 8;
const EjectFailureShare = 0.5;
const EjectMs = 30_000;
const MaxEjectMs = 5 * 60_000;

export type NodeHealth = {
  /** It answered when it was last asked for its models. */
  readonly listed: boolean;
  /** It has produced something since it was last lost. */
  readonly proven: boolean;
  /** Canaries in a row that came to nothing. */
  readonly missed: number;
  /** When it last produced something. */
  readonly proofAt: number;
  /** How the last attempts ended, the newest last. */
  readonly outcomes: readonly boolean[];
  readonly ejectedUntil: number;
  /** Ejections without a recovery in between. */
  readonly ejections: number;
  readonly draining: boolean;
};

export const unknownHealth: NodeHealth = {
  listed: false,
  proven: false,
  missed: 0,
  proofAt: Number.NEGATIVE_INFINITY,
  outcomes: [],
  ejectedUntil: 0,
  ejections: 0,
  draining: false,
};

/** The gravest of what holds. */
export function decideState(health: NodeHealth, circuit: Circuit, now: number): NodeState {
  if (!health.listed) return 'lost';
  if (health.draining) return 'draining';
  if (health.missed >= CanariesToHang) return 'hung';
  if (!health.proven) return 'starting';
  if (now < health.ejectedUntil) return 'ejected';
  if (isHalfOpen(circuit, now)) return 'half_open';
  return isOpen(circuit, now) ? 'open' : 'ready';
}

export function recordListed(health: NodeHealth, listed: boolean, needsProof: boolean): NodeHealth {
  if (!listed) return { ...health, listed, proven: false, missed: 0 };
  return { ...health, listed, proven: health.proven || !needsProof };
}

/** A token came from the node. */
export function recordProof(health: NodeHealth, now: number): NodeHealth {
  return { ...health, proven: true, missed: 0, proofAt: now };
}

/** A canary came to nothing. Of no weight where the node produced something for somebody else meanwhile. */
export function recordMissedCanary(health: NodeHealth, sentAt: number): NodeHealth {
  return health.proofAt >= sentAt ? health : { ...health, missed: health.missed + 1 };
}

export function recordOutcome(health: NodeHealth, isGood: boolean): NodeHealth {
  const outcomes = [...health.outcomes, isGood].slice(-RememberedOutcomes);
  const recovered = outcomes.length >= OutcomesToJudge && outcomes.every(Boolean);
  return { ...health, outcomes, ejections: recovered ? 0 : health.ejections };
}

/** Whether a canary is due: nothing else has shown lately that the node lives. */
export function needsCanary(health: NodeHealth, now: number, everyMs: number): boolean {
  return health.listed && (!health.proven || now - health.proofAt >= everyMs);
}

/** Takes out a node that fails often, though never three times in a row, where a better peer can do its work. */
export function decideEjection(health: NodeHealth, peers: readonly NodeHealth[], now: number): NodeHealth {
  const share = failureShare(health);
  if (share === undefined || share < EjectFailureShare || now < health.ejectedUntil) return health;
  if (!peers.some((peer) => (failureShare(peer) ?? 0) < share / 2)) return health;
  const ejectMs = Math.min(EjectMs * 2 ** Math.min(health.ejections, 10), MaxEjectMs);
  return { ...health, outcomes: [], ejectedUntil: now + ejectMs, ejections: health.ejections + 1 };
}

function failureShare({ outcomes }: NodeHealth): number | undefined {
  if (outcomes.length < OutcomesToJudge) return undefined;
  return outcomes.filter((isGood) => !isGood).length / outcomes.length;
}
