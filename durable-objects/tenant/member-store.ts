/** All SQL about members, and about users: those who come in by their claims alone and have an id for what they do. */
import { toIso } from '../../shared/core/clock.ts';
import type { IssuerId, MemberId, UserId } from '../../shared/core/ids.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import type { Member } from '../../shared/contracts/members.ts';
import type { Role } from '../../shared/contracts/roles.ts';

type MemberRow = {
  id: MemberId;
  issuer_id: IssuerId;
  subject: string | null;
  email: string | null;
  role: Role;
  status: Member['status'];
  created_at: number;
};

export type NewMember = {
  readonly id: MemberId;
  readonly issuerId: IssuerId;
  readonly subject: string | null;
  readonly email: string | null;
  readonly role: Role;
};

export class MemberStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Undefined where the issuer's subject or address is a member already. */
  create(member: NewMember, now: number): Member | undefined {
    this.#sql.exec(
      `INSERT OR IGNORE INTO members (id, issuer_id, subject, email, role, status, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      member.id,
      member.issuerId,
      member.subject,
      member.email,
      member.role,
      member.subject === null ? 'invited' : 'active',
      now,
    );
    return this.find(member.id);
  }

  find(id: string): Member | undefined {
    return this.#one('SELECT * FROM members WHERE id = ?', id);
  }

  findBySubject(issuer: IssuerId, subject: string): Member | undefined {
    return this.#one('SELECT * FROM members WHERE issuer_id = ? AND subject = ?', issuer, subject);
  }

  /** Only one that no subject has taken yet. */
  findInvited(issuer: IssuerId, email: string): Member | undefined {
    return this.#one('SELECT * FROM members WHERE issuer_id = ? AND email = ? AND subject IS NULL', issuer, email);
  }

  bindSubject(id: string, subject: string): void {
    this.#sql.exec("UPDATE members SET subject = ?, status = 'active' WHERE id = ?", subject, id);
  }

  list(limit: number, cursor: string | undefined): List<Member> {
    const rows = this.#many('SELECT * FROM members WHERE id < ? ORDER BY id DESC LIMIT ?', cursor ?? 'n', limit + 1);
    return toList(rows, limit, (member) => member.id);
  }

  owners(): Member[] {
    return this.#many("SELECT * FROM members WHERE role = 'owner'");
  }

  update(id: string, role: Role, status: Member['status']): void {
    this.#sql.exec('UPDATE members SET role = ?, status = ? WHERE id = ?', role, status, id);
  }

  suspendOf(issuer: string): void {
    this.#sql.exec("UPDATE members SET status = 'suspended' WHERE issuer_id = ?", issuer);
  }

  delete(id: string): void {
    this.#sql.exec('DELETE FROM members WHERE id = ?', id);
  }

  findUser(id: string): { readonly issuerId: IssuerId } | undefined {
    const row = this.#sql.exec<{ issuer_id: IssuerId }>('SELECT issuer_id FROM users WHERE id = ?', id).toArray()[0];
    return row && { issuerId: row.issuer_id };
  }

  /** The id of a subject without a membership: the same at every visit. */
  requireUser(issuer: IssuerId, subject: string, fresh: UserId, now: number): UserId {
    const known = this.#sql
      .exec<{ id: UserId }>('SELECT id FROM users WHERE issuer_id = ? AND subject = ?', issuer, subject)
      .toArray()[0];
    if (known) return known.id;
    this.#sql.exec('INSERT INTO users VALUES (?, ?, ?, ?)', fresh, issuer, subject, now);
    return fresh;
  }

  #one(query: string, ...values: SqlStorageValue[]): Member | undefined {
    return this.#many(query, ...values)[0];
  }

  #many(query: string, ...values: SqlStorageValue[]): Member[] {
    return this.#sql
      .exec<MemberRow>(query, ...values)
      .toArray()
      .map((row) => ({
        object: 'member',
        id: row.id,
        issuer: row.issuer_id,
        subject: row.subject,
        email: row.email,
        role: row.role,
        status: row.status,
        created_at: toIso(row.created_at),
      }));
  }
}
