/**
 * The desk of a tenant's inbound hooks: their settings, and the taking in of deliveries. A delivery is verified, known
 * again or written down, and only then acknowledged. A hook acts for who saved it last, on its agent alone.
 */
import { RpcTarget } from 'cloudflare:workers';
import { mintId, type AgentId, type HookId } from '../../shared/core/ids.ts';
import { authorize, type Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import { parseTemplate, renderTemplate } from '../../shared/core/template.ts';
import type { Origin } from '../../shared/core/trace.ts';
import type { List } from '../../shared/contracts/common.ts';
import {
  MaxDeliveriesWaiting,
  MaxHooks,
  MaxTaskLength,
  templateRoots,
  type CreateHook,
  type Hook,
  type HookAnswer,
  type HookDelivery,
  type HookRequest,
  type UpdateHook,
} from '../../shared/contracts/hooks.ts';
import type { AgentStore } from './agent-store.ts';
import type { AuditNote, AuditTrail } from './audit-trail.ts';
import { answerDelivery, answerHandshake, parsePayload } from './hook-payload.ts';
import { toHook, type HookRow, type HookStore } from './hook-store.ts';
import { findRequestFault, findSecretFault, identify } from './hook-verification.ts';
import type { Vault } from './vault.ts';

/** Refusals of one hook are noted no more often. */
const NoteRefusalMs = 10_000;
const Needed = 'inference:invoke';

const noHook = () => err('not_found', 'There is no such hook.');
/** A new secret takes the place of the one before. */
const SecretVersion = 1;
const secretName = (id: HookId) => `hook:${id}` as const;

export type HookDeps = {
  readonly store: HookStore;
  readonly agents: AgentStore;
  readonly vault: Vault;
  readonly trail: AuditTrail;
  readonly transact: <T>(work: () => T) => T;
  readonly isSuspended: () => boolean;
  /** Something waits to be handed over. */
  readonly arm: () => Promise<void>;
  readonly now: () => number;
};

/** A hook to be made, with its secret. */
export type NewHook = Omit<CreateHook, 'secret'> & { readonly id: HookId; readonly secret: string };

export class HookDesk extends RpcTarget {
  readonly #deps: HookDeps;

  constructor(deps: HookDeps) {
    super();
    this.#deps = deps;
  }

  find(id: string): Result<Hook> {
    const row = this.#deps.store.find(id);
    return row ? ok(toHook(row)) : noHook();
  }

  list(limit: number, cursor: string | undefined): List<Hook> {
    return this.#deps.store.list(limit, cursor);
  }

  /** A repeated run of the same request finds the hook, and enters nothing. */
  create({ secret, max_attempts: maxAttempts, ...wanted }: NewHook, principal: Principal): Result<Hook> {
    const { store, trail, now } = this.#deps;
    if (store.find(wanted.id)) return this.find(wanted.id);
    if (store.count() >= MaxHooks) return err('conflict', `A tenant has at most ${MaxHooks} hooks.`);
    const at = now();
    const made = this.#prepare({ ...wanted, maxAttempts, createdAt: at, updatedAt: at }, secret, principal);
    return made.ok ? trail.change(principal, 'hook.created', () => this.#put(made.value, secret), noteHook) : made;
  }

  update(id: string, { secret, max_attempts: maxAttempts, ...change }: UpdateHook, principal: Principal): Result<Hook> {
    const { store, vault, trail, now } = this.#deps;
    const row = store.find(id);
    if (!row) return noHook();
    const kept = secret === undefined ? vault.openOwn(secretName(row.id), SecretVersion) : ok(secret);
    if (!kept.ok) return kept;
    const made = this.#prepare(
      { ...row, ...defined({ ...change, maxAttempts }), updatedAt: now() },
      kept.value,
      principal,
    );
    return made.ok ? trail.change(principal, 'hook.updated', () => this.#put(made.value, secret), noteHook) : made;
  }

  delete(id: string, principal: Principal): Result<undefined> {
    const { store, vault, trail } = this.#deps;
    const row = store.find(id);
    if (!row) return noHook();
    return trail.change(
      principal,
      'hook.deleted',
      () => {
        store.delete(row.id);
        vault.dropOwn(secretName(row.id));
        return ok();
      },
      () => ({ target: row.id }),
    );
  }

  deliveries(id: string, limit: number, cursor: string | undefined): Result<List<HookDelivery>> {
    const row = this.#deps.store.find(id);
    return row ? ok(this.#deps.store.deliveries(row.id, limit, cursor)) : noHook();
  }

  async receive(id: string, request: HookRequest, origin: Origin): Promise<Result<HookAnswer>> {
    const { store, vault, now, isSuspended } = this.#deps;
    const row = store.find(id);
    if (!row?.enabled) return noHook();
    if (isSuspended()) return err('tenant_suspended');
    const secret = vault.openOwn(secretName(row.id), SecretVersion);
    if (!secret.ok) return secret;
    const fault = await findRequestFault(row.verification, secret.value, request, now());
    if (fault !== undefined) {
      this.#noteRefusal(row, fault);
      return err('invalid_api_key', 'The request is not signed as this hook expects.', { reason: `hook: ${fault}` });
    }
    const payload = parsePayload(request);
    if (!payload.ok) {
      this.#noteRefusal(row, payload.failure.message);
      return payload;
    }
    return answerHandshakeOr(row, request, payload.value) ?? this.#takeIn(row, request, payload.value, origin);
  }

  /** In one step with the look for an earlier copy, so that of copies that come at once one is taken in. */
  async #takeIn(row: HookRow, request: HookRequest, payload: unknown, origin: Origin): Promise<Result<HookAnswer>> {
    const { store, transact, now, arm } = this.#deps;
    const { id: deliveryId, event, keys } = identify(row.verification, request, payload);
    const template = parseTemplate(row.template, templateRoots);
    if (!template.ok) return template;
    const input = renderTemplate(template.value, { payload, event, delivery: deliveryId }, MaxTaskLength);
    const at = now();
    const taken = transact(() => {
      if (!store.find(row.id)) return noHook();
      const known = store.findKnown(row.id, keys);
      if (known) return ok({ id: known, duplicate: true });
      if (store.countWaiting() >= MaxDeliveriesWaiting)
        return err('service_unavailable', 'Too many deliveries are waiting. Send it again later.', {
          retryAfterMs: 60_000,
        });
      const id = mintId('delivery', at);
      store.addDelivery({ id, hook: row.id, deliveryId, event, keys, input, origin }, at);
      store.prune(at);
      return ok({ id, duplicate: false });
    });
    if (!taken.ok) return taken;
    if (!taken.value.duplicate) await arm();
    return ok(answerDelivery(row.verification.scheme, payload, taken.value.id, taken.value.duplicate));
  }

  /** What would be stored, if all of it holds. */
  #prepare(
    wanted: Omit<HookRow, 'principal' | 'agent' | 'refusedAt' | 'refusal'> & { readonly agent: string },
    secret: string,
    principal: Principal,
  ): Result<HookRow> {
    const template = parseTemplate(wanted.template, templateRoots);
    if (!template.ok) return template;
    const fault = findSecretFault(wanted.verification.scheme, secret);
    if (fault !== undefined) return err('invalid_request', `"secret": ${fault}.`, { param: 'secret' });
    const agent = this.#deps.agents.find(wanted.agent);
    if (!agent.ok) return err('invalid_request', '"agent": there is no such agent.', { param: 'agent' });
    const agentId = agent.value.id as AgentId;
    const allowed = authorize(principal, Needed, { agent: agentId });
    if (!allowed.ok) return allowed;
    const { kind, id, scope } = principal;
    const bound: Principal = { kind, id, permissions: [Needed], scope: { ...scope, agent: agentId } };
    return ok({ ...wanted, agent: agentId, principal: bound, refusedAt: null, refusal: null });
  }

  #put(row: HookRow, secret: string | undefined): Result<Hook> {
    const kept = secret === undefined ? ok() : this.#deps.vault.keepOwn(secretName(row.id), SecretVersion, secret, 1);
    if (!kept.ok) return kept;
    this.#deps.store.put(row);
    return this.find(row.id);
  }

  #noteRefusal(row: HookRow, reason: string): void {
    const now = this.#deps.now();
    if (row.refusedAt === null || Math.abs(now - row.refusedAt) >= NoteRefusalMs)
      this.#deps.store.noteRefusal(row.id, reason, now);
  }
}

function answerHandshakeOr(row: HookRow, request: HookRequest, payload: unknown): Result<HookAnswer> | undefined {
  const answer = answerHandshake(row.verification.scheme, request, payload);
  return answer && ok(answer);
}

function noteHook({ id, agent, verification, enabled }: Hook): AuditNote {
  return { target: id, details: { agent, scheme: verification.scheme, enabled } };
}

/** Members that are `undefined` change nothing. */
function defined<T extends object>(change: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
