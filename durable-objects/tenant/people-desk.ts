/** The desk of a tenant's people: what is asked and done over RPC. Each change and its entry in the audit trail are one. */
import { RpcTarget } from 'cloudflare:workers';
import type { Result } from '../../shared/core/result.ts';
import type { MemberId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { List } from '../../shared/contracts/common.ts';
import type { Issuer } from '../../shared/contracts/issuers.ts';
import type { CreateMember, Member, UpdateMember } from '../../shared/contracts/members.ts';
import type { RevokeToken, TokenRevocation } from '../../shared/contracts/tokens.ts';
import type { AuditNote, AuditTrail } from './audit-trail.ts';
import type { IssuerClient, NewIssuer } from './issuer-store.ts';
import type { People } from './people.ts';

export class PeopleDesk extends RpcTarget {
  readonly #people: People;
  readonly #trail: AuditTrail;

  constructor(people: People, trail: AuditTrail) {
    super();
    this.#people = people;
    this.#trail = trail;
  }

  findMember(id: string): Result<Member> {
    return this.#people.findMember(id);
  }

  listMembers(limit: number, cursor: string | undefined): List<Member> {
    return this.#people.listMembers(limit, cursor);
  }

  findIssuer(id: string): Result<Issuer> {
    return this.#people.findIssuer(id);
  }

  listIssuers(limit: number, cursor: string | undefined): List<Issuer> {
    return this.#people.listIssuers(limit, cursor);
  }

  /** All of them, for an isolate to check tokens with. */
  issuers(): Issuer[] {
    return this.#people.issuers();
  }

  /** A repeated run of the same request finds the member, and enters nothing. */
  createMember(granter: Principal, id: MemberId, member: CreateMember): Result<Member> {
    const isNew = !this.#people.findMember(id).ok;
    return this.#trail.change(
      granter,
      'member.created',
      () => this.#people.createMember(granter, id, member),
      (made) => (isNew ? noteMember(made) : undefined),
    );
  }

  updateMember(granter: Principal, id: string, change: UpdateMember): Result<Member> {
    return this.#trail.change(
      granter,
      'member.updated',
      () => this.#people.updateMember(granter, id, change),
      noteMember,
    );
  }

  deleteMember(granter: Principal, id: string): Result<undefined> {
    return this.#trail.change(
      granter,
      'member.deleted',
      () => this.#people.deleteMember(granter, id),
      () => ({ target: id }),
    );
  }

  revokeToken(granter: Principal, token: RevokeToken): Result<TokenRevocation> {
    return this.#trail.change(
      granter,
      'token.revoked',
      () => this.#people.revokeToken(granter, token),
      ({ issuer, jti }) => ({ target: issuer, details: { jti } }),
    );
  }

  createIssuer(granter: Principal, issuer: NewIssuer): Result<Issuer> {
    const isNew = !this.#people.findIssuer(issuer.id).ok;
    return this.#trail.change(
      granter,
      'issuer.created',
      () => this.#people.createIssuer(granter, issuer),
      (made) => (isNew ? { target: made.id, details: { issuer: made.issuer, audience: made.audience } } : undefined),
    );
  }

  updateIssuer(granter: Principal, id: string, client: IssuerClient): Result<Issuer> {
    return this.#trail.change(
      granter,
      'issuer.updated',
      () => this.#people.updateIssuer(granter, id, client),
      () => ({ target: id }),
    );
  }

  deleteIssuer(granter: Principal, id: string): Result<undefined> {
    return this.#trail.change(
      granter,
      'issuer.deleted',
      () => this.#people.deleteIssuer(granter, id),
      () => ({ target: id }),
    );
  }
}

/** What a member may, not who it is: the trail lives longer than a membership. */
function noteMember({ id, role, status, issuer }: Member): AuditNote {
  return { target: id, details: { role, status, issuer } };
}
