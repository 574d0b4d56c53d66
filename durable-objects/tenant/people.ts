/**
 * The people of a tenant: its issuers, its members, and who the bearer of a verified token is. A member is found by
 * issuer and subject; an invitation by a verified address is bound to the first subject that comes with it. Members and
 * tokens name an issuer by its registration's id, so a URL that is registered anew inherits nobody.
 */
import { toIso, type Clock } from '../../shared/core/clock.ts';
import { mintId, type IssuerId, type MemberId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import { err, ok, type Result } from '../../shared/core/result.ts';
import type { UserCredential } from '../../shared/contracts/admission.ts';
import type { List } from '../../shared/contracts/common.ts';
import { MaxIssuers, type Issuer } from '../../shared/contracts/issuers.ts';
import type { CreateMember, Member, UpdateMember } from '../../shared/contracts/members.ts';
import { permissionsOfRoles, type Role } from '../../shared/contracts/roles.ts';
import {
  MaxLifetimeSeconds,
  PlatformIssuer,
  type RevokeToken,
  type TokenRevocation,
} from '../../shared/contracts/tokens.ts';
import { IssuerStore, type IssuerClient, type NewIssuer } from './issuer-store.ts';
import { requireGrantable, requireWholeTenant, validateRemoval, validateUpdate } from './member-rules.ts';
import { MemberStore } from './member-store.ts';
import { RevokedTokenStore } from './revoked-token-store.ts';

/** Clocks differ, and a token may begin a little in the future: a revocation outlasts it all the same. */
const SkewSeconds = 600;

/** `traceparent`: of the request that the member came with. */
export type Joined = (member: Member, traceparent: string | undefined) => void;

export class People {
  readonly #clock: Clock;
  readonly #members: MemberStore;
  readonly #issuers: IssuerStore;
  readonly #revoked: RevokedTokenStore;
  readonly #joined: Joined;

  /** `joined` is told of an invitation that was taken up. */
  constructor(sql: SqlStorage, clock: Clock, joined: Joined = () => {}) {
    this.#clock = clock;
    this.#joined = joined;
    this.#members = new MemberStore(sql);
    this.#issuers = new IssuerStore(sql);
    this.#revoked = new RevokedTokenStore(sql);
  }

  /** One text for every reason, as for keys. */
  identify(credential: UserCredential, traceparent?: string): Result<Principal> {
    const { issuerId, subject, email, jti, roles } = credential;
    if (this.isRevoked(issuerId, jti)) return err('invalid_api_key', undefined, { reason: 'token is revoked' });
    if (!this.#issuers.find(issuerId)) return err('invalid_api_key', undefined, { reason: 'issuer is not registered' });
    const member =
      this.#members.findBySubject(issuerId, subject) ?? this.#accept(issuerId, subject, email, traceparent);
    if (member?.status === 'suspended') return err('invalid_api_key', undefined, { reason: 'member is suspended' });
    if (member) return ok(toPrincipal(member.id as MemberId, [member.role]));
    if (roles.length === 0) return err('invalid_api_key', undefined, { reason: 'no member, and no claim with a role' });
    const now = this.#clock.now();
    const user = this.#members.requireUser(issuerId, subject, mintId('user', now), now);
    return ok(toPrincipal(user, roles));
  }

  /** Whether a member or user who was admitted before may still act. */
  isActive(id: string): boolean {
    const member = this.#members.find(id);
    if (member && member.status !== 'active') return false;
    const issuer = member?.issuer ?? this.#members.findUser(id)?.issuerId;
    return issuer !== undefined && this.#issuers.find(issuer) !== undefined;
  }

  createMember(granter: Principal, id: MemberId, wanted: CreateMember): Result<Member> {
    const allowed = requireGrantable(granter, wanted.role, 'role');
    if (!allowed.ok) return allowed;
    const issuer = this.#issuers.find(wanted.issuer) ?? this.#issuers.findByUrl(wanted.issuer);
    if (!issuer) return err('invalid_request', 'issuer names no issuer of this tenant.', { param: 'issuer' });
    const { subject = null, email = null, role } = wanted;
    const member = { id, issuerId: issuer.id as IssuerId, subject, email, role };
    const created = this.#members.create(member, this.#clock.now());
    return created ? ok(created) : err('conflict', 'This subject or address of the issuer is a member already.');
  }

  findMember(id: string): Result<Member> {
    const member = this.#members.find(id);
    return member ? ok(member) : err('not_found', 'There is no such member.');
  }

  listMembers(limit: number, cursor: string | undefined): List<Member> {
    return this.#members.list(limit, cursor);
  }

  updateMember(granter: Principal, id: string, change: UpdateMember): Result<Member> {
    const found = this.findMember(id);
    if (!found.ok) return found;
    const member = found.value;
    const valid = validateUpdate(granter, this.#members.owners(), member, change);
    if (!valid.ok) return valid;
    if (change.status === 'active' && !this.#issuers.find(member.issuer)) {
      return err('conflict', "The member's issuer is no longer registered.", { param: 'status' });
    }
    this.#members.update(id, change.role ?? member.role, statusAfter(member, change));
    return this.findMember(id);
  }

  deleteMember(granter: Principal, id: string): Result<undefined> {
    const found = this.findMember(id);
    if (!found.ok) return found;
    const valid = validateRemoval(granter, this.#members.owners(), found.value);
    if (valid.ok) this.#members.delete(id);
    return valid;
  }

  createIssuer(granter: Principal, issuer: NewIssuer): Result<Issuer> {
    const whole = requireWholeTenant(granter);
    if (!whole.ok) return whole;
    for (const [at, mapping] of issuer.role_mappings.entries()) {
      const allowed = requireGrantable(granter, mapping.role, `role_mappings.${at}.role`);
      if (!allowed.ok) return allowed;
    }
    const known = this.#issuers.find(issuer.id);
    if (known) return ok(known);
    if (this.#issuers.all().length >= MaxIssuers) return err('conflict', `A tenant has at most ${MaxIssuers} issuers.`);
    const created = this.#issuers.create(issuer, this.#clock.now());
    return created ? ok(created) : err('conflict', 'This issuer is registered already.', { param: 'issuer' });
  }

  updateIssuer(granter: Principal, id: string, client: IssuerClient): Result<Issuer> {
    const whole = requireWholeTenant(granter);
    const found = whole.ok ? this.findIssuer(id) : whole;
    if (!found.ok) return found;
    return ok(this.#issuers.setClient(id, client) ?? found.value);
  }

  findIssuer(id: string): Result<Issuer> {
    const issuer = this.#issuers.find(id);
    return issuer ? ok(issuer) : err('not_found', 'There is no such issuer.');
  }

  issuers(): Issuer[] {
    return this.#issuers.all();
  }

  listIssuers(limit: number, cursor: string | undefined): List<Issuer> {
    return this.#issuers.list(limit, cursor);
  }

  /** The brake for an issuer that can no longer be trusted: it always works, and nobody of it comes in again. */
  deleteIssuer(granter: Principal, id: string): Result<undefined> {
    const whole = requireWholeTenant(granter);
    const found = whole.ok ? this.findIssuer(id) : whole;
    if (!found.ok) return found;
    this.#members.suspendOf(id);
    this.#issuers.delete(id);
    return ok();
  }

  isRevoked(issuer: string, jti: string | null): boolean {
    return this.#revoked.isRevoked(issuer, jti);
  }

  /** Ends one token, whoever bears it. */
  revokeToken(granter: Principal, { issuer: named, jti }: RevokeToken): Result<TokenRevocation> {
    const whole = requireWholeTenant(granter);
    if (!whole.ok) return whole;
    const issuer =
      named === PlatformIssuer ? PlatformIssuer : (this.#issuers.find(named) ?? this.#issuers.findByUrl(named))?.id;
    if (issuer === undefined) {
      return err('invalid_request', 'issuer names no issuer of this tenant.', { param: 'issuer' });
    }
    const now = this.#clock.now();
    const until = this.#revoked.revoke(issuer, jti, now + (MaxLifetimeSeconds + SkewSeconds) * 1000, now);
    return ok({ object: 'token.revocation', issuer, jti, kept_until: toIso(until) });
  }

  #accept(
    issuer: IssuerId,
    subject: string,
    email: string | null,
    traceparent: string | undefined,
  ): Member | undefined {
    const invited = email === null ? undefined : this.#members.findInvited(issuer, email);
    if (!invited || invited.status === 'suspended') return invited;
    this.#members.bindSubject(invited.id, subject);
    this.#joined(invited, traceparent);
    return this.#members.find(invited.id);
  }
}

function statusAfter(member: Member, { status }: UpdateMember): Member['status'] {
  if (status === undefined) return member.status;
  return status === 'active' && member.subject === null ? 'invited' : status;
}

function toPrincipal(id: Principal['id'], roles: readonly Role[]): Principal {
  const scope = { project: null, environment: null, agent: null };
  return { kind: 'user', id, permissions: permissionsOfRoles(roles), scope };
}
