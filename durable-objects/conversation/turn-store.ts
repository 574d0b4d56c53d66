/** All SQL of turns: their states, the ledger of their effects, and the approvals that their calls wait for. */
import { toIso } from '../../shared/core/clock.ts';
import type { EffectId, ResponseId } from '../../shared/core/ids.ts';
import type { ApprovalObject, ApprovalStatus, EffectObject, EffectStatus } from '../../shared/contracts/approvals.ts';
import type { Approval, Effect } from './effect.ts';
import type { TurnState } from './turn-engine.ts';

type EffectRow = {
  id: EffectId;
  response_id: string;
  call_id: string;
  tool: string;
  arguments: string;
  idempotent: number;
  status: EffectStatus;
  attempts: number;
  error: string | null;
  planned_at: number;
  dispatched_at: number | null;
  settled_at: number | null;
};

type ApprovalRow = {
  id: string;
  response_id: string;
  call_id: string;
  tool: string;
  server_label: string;
  arguments: string;
  agent_id: string | null;
  agent_version: number | null;
  requested_kind: string;
  requested_id: string;
  binding: string;
  status: ApprovalStatus;
  created_at: number;
  expires_at: number;
  decided_at: number | null;
  decided_kind: string | null;
  decided_id: string | null;
  reason: string | null;
  used_at: number | null;
};

export class TurnStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  findState(responseId: ResponseId): TurnState | undefined {
    const row = this.#sql
      .exec<{ state: string }>('SELECT state FROM turns WHERE response_id = ?', responseId)
      .toArray()[0];
    return row && (JSON.parse(row.state) as TurnState);
  }

  putState(responseId: ResponseId, state: TurnState): void {
    this.#sql.exec(
      'INSERT INTO turns VALUES (?1, ?2) ON CONFLICT (response_id) DO UPDATE SET state = ?2',
      responseId,
      JSON.stringify(state),
    );
  }

  planEffect(effect: Effect): void {
    this.#sql.exec(
      'INSERT OR IGNORE INTO effects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      effect.id,
      effect.responseId,
      effect.callId,
      effect.tool,
      effect.arguments,
      effect.idempotent ? 1 : 0,
      effect.status,
      effect.attempts,
      effect.error,
      effect.plannedAt,
      effect.dispatchedAt,
      effect.settledAt,
    );
  }

  findEffect(responseId: ResponseId, callId: string): Effect | undefined {
    return this.#sql
      .exec<EffectRow>('SELECT * FROM effects WHERE response_id = ? AND call_id = ?', responseId, callId)
      .toArray()
      .map(toEffect)[0];
  }

  effectsOf(responseId: ResponseId): Effect[] {
    return this.#sql
      .exec<EffectRow>('SELECT * FROM effects WHERE response_id = ? ORDER BY id', responseId)
      .toArray()
      .map(toEffect);
  }

  dispatchEffect(id: EffectId, now: number): void {
    this.#sql.exec(
      "UPDATE effects SET status = 'dispatched', attempts = attempts + 1, dispatched_at = ? WHERE id = ?",
      now,
      id,
    );
  }

  settleEffect(id: EffectId, status: EffectStatus, error: string | null, now: number): void {
    this.#sql.exec('UPDATE effects SET status = ?, error = ?, settled_at = ? WHERE id = ?', status, error, now, id);
  }

  addApproval(approval: Approval): void {
    const { boundTo } = approval;
    this.#sql.exec(
      `INSERT INTO approvals (id, response_id, call_id, tool, server_label, arguments, agent_id, agent_version,
         requested_kind, requested_id, binding, status, created_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)`,
      approval.id,
      approval.responseId,
      approval.callId,
      boundTo.tool,
      approval.serverLabel,
      boundTo.arguments,
      boundTo.agent,
      boundTo.agentVersion,
      boundTo.principalKind,
      boundTo.principalId,
      approval.binding,
      approval.createdAt,
      approval.expiresAt,
    );
  }

  findApproval(id: string): Approval | undefined {
    return this.#approvals('id = ?', id)[0];
  }

  approvalOf(responseId: ResponseId, callId: string): Approval | undefined {
    return this.#approvals('response_id = ? AND call_id = ?', responseId, callId)[0];
  }

  approvalsOf(responseId: ResponseId): Approval[] {
    return this.#approvals('response_id = ?', responseId);
  }

  /** When the next approval of an unfinished turn expires. */
  nextExpiry(): number | undefined {
    return (
      this.#sql
        .exec<{ at: number | null }>("SELECT MIN(expires_at) AS at FROM approvals WHERE status = 'pending'")
        .one().at ?? undefined
    );
  }

  expiredApprovals(now: number): Approval[] {
    return this.#sql
      .exec<ApprovalRow>("SELECT * FROM approvals WHERE status = 'pending' AND expires_at <= ? ORDER BY id", now)
      .toArray()
      .map(toApproval);
  }

  settleApproval(
    id: string,
    status: ApprovalStatus,
    by: { readonly kind: string; readonly id: string } | null,
    reason: string | null,
    now: number,
  ): void {
    this.#sql.exec(
      'UPDATE approvals SET status = ?, decided_at = ?, decided_kind = ?, decided_id = ?, reason = ? WHERE id = ?',
      status,
      now,
      by?.kind ?? null,
      by?.id ?? null,
      reason,
      id,
    );
  }

  useApproval(id: string, now: number): void {
    this.#sql.exec('UPDATE approvals SET used_at = ? WHERE id = ? AND used_at IS NULL', now, id);
  }

  delete(responseId: ResponseId): void {
    for (const table of ['turns', 'effects', 'approvals'])
      this.#sql.exec(`DELETE FROM ${table} WHERE response_id = ?`, responseId);
  }

  #approvals(where: string, ...bound: string[]): Approval[] {
    return this.#sql
      .exec<ApprovalRow>(`SELECT * FROM approvals WHERE ${where} ORDER BY id`, ...bound)
      .toArray()
      .map(toApproval);
  }
}

function toEffect(row: EffectRow): Effect {
  return {
    id: row.id,
    responseId: row.response_id,
    callId: row.call_id,
    tool: row.tool,
    arguments: row.arguments,
    idempotent: row.idempotent === 1,
    status: row.status,
    attempts: row.attempts,
    error: row.error,
    plannedAt: row.planned_at,
    dispatchedAt: row.dispatched_at,
    settledAt: row.settled_at,
  };
}

function toApproval(row: ApprovalRow): Approval {
  return {
    id: row.id,
    responseId: row.response_id,
    callId: row.call_id,
    serverLabel: row.server_label,
    boundTo: {
      tool: row.tool,
      arguments: row.arguments,
      agent: row.agent_id,
      agentVersion: row.agent_version,
      principalKind: row.requested_kind,
      principalId: row.requested_id,
    },
    binding: row.binding,
    status: row.status,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    decidedAt: row.decided_at,
    decidedBy: row.decided_kind === null ? null : { kind: row.decided_kind, id: row.decided_id ?? '' },
    reason: row.reason,
    usedAt: row.used_at,
  };
}

export function toEffectObject(effect: Effect): EffectObject {
  return {
    object: 'effect',
    id: effect.id,
    response: effect.responseId,
    call: effect.callId,
    tool: effect.tool,
    status: effect.status,
    idempotent: effect.idempotent,
    attempts: effect.attempts,
    error: effect.error,
    planned_at: toIso(effect.plannedAt),
    dispatched_at: effect.dispatchedAt === null ? null : toIso(effect.dispatchedAt),
    settled_at: effect.settledAt === null ? null : toIso(effect.settledAt),
  };
}

export function toApprovalObject(approval: Approval, conversation: string): ApprovalObject {
  const { boundTo } = approval;
  return {
    object: 'approval',
    id: approval.id,
    status: approval.status,
    agent: boundTo.agent,
    agent_version: boundTo.agentVersion,
    tool: boundTo.tool,
    server_label: approval.serverLabel,
    arguments: parseArguments(boundTo.arguments),
    requested_by: { kind: boundTo.principalKind, id: boundTo.principalId },
    conversation,
    response: approval.responseId,
    call: approval.callId,
    created_at: toIso(approval.createdAt),
    expires_at: toIso(approval.expiresAt),
    decided_at: approval.decidedAt === null ? null : toIso(approval.decidedAt),
    decided_by: approval.decidedBy,
    reason: approval.reason,
    used: approval.usedAt !== null,
  };
}

function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch {
    return text;
  }
}
