/** All SQL about the issuers that a tenant has registered. */
import { toIso } from '../../shared/core/clock.ts';
import type { IssuerId } from '../../shared/core/ids.ts';
import { toList, type List } from '../../shared/contracts/common.ts';
import type {
  CreateIssuer,
  Issuer,
  RoleMapping,
  SignInEndpoints,
  TokenAlgorithm,
  UpdateIssuer,
} from '../../shared/contracts/issuers.ts';

export type NewIssuer = CreateIssuer & SignInEndpoints & { readonly id: IssuerId };

/** By which people sign in, and where they do. */
export type IssuerClient = UpdateIssuer & SignInEndpoints;

type IssuerRow = {
  id: IssuerId;
  issuer: string;
  audience: string;
  algorithms: string;
  role_mappings: string;
  jwks_uri: string | null;
  client_id: string | null;
  authorization_endpoint: string | null;
  token_endpoint: string | null;
  created_at: number;
};

export class IssuerStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Undefined where the URL is registered already. */
  create(issuer: NewIssuer, now: number): Issuer | undefined {
    this.#sql.exec(
      `INSERT OR IGNORE INTO issuers (id, issuer, audience, algorithms, role_mappings, jwks_uri, client_id,
         authorization_endpoint, token_endpoint, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      issuer.id,
      issuer.issuer,
      issuer.audience,
      JSON.stringify(issuer.algorithms),
      JSON.stringify(issuer.role_mappings),
      issuer.jwks_uri,
      issuer.client_id,
      issuer.authorization_endpoint,
      issuer.token_endpoint,
      now,
    );
    return this.find(issuer.id);
  }

  find(id: string): Issuer | undefined {
    return this.#many('SELECT * FROM issuers WHERE id = ?', id)[0];
  }

  findByUrl(url: string): Issuer | undefined {
    return this.#many('SELECT * FROM issuers WHERE issuer = ?', url)[0];
  }

  all(): Issuer[] {
    return this.#many('SELECT * FROM issuers ORDER BY id');
  }

  list(limit: number, cursor: string | undefined): List<Issuer> {
    const rows = this.#many('SELECT * FROM issuers WHERE id < ? ORDER BY id DESC LIMIT ?', cursor ?? 'j', limit + 1);
    return toList(rows, limit, (issuer) => issuer.id);
  }

  setClient(id: string, client: IssuerClient): Issuer | undefined {
    this.#sql.exec(
      'UPDATE issuers SET client_id = ?, authorization_endpoint = ?, token_endpoint = ? WHERE id = ?',
      client.client_id,
      client.authorization_endpoint,
      client.token_endpoint,
      id,
    );
    return this.find(id);
  }

  delete(id: string): void {
    this.#sql.exec('DELETE FROM issuers WHERE id = ?', id);
  }

  #many(query: string, ...values: SqlStorageValue[]): Issuer[] {
    return this.#sql
      .exec<IssuerRow>(query, ...values)
      .toArray()
      .map((row) => ({
        object: 'issuer',
        id: row.id,
        issuer: row.issuer,
        audience: row.audience,
        algorithms: JSON.parse(row.algorithms) as TokenAlgorithm[],
        role_mappings: JSON.parse(row.role_mappings) as RoleMapping[],
        jwks_uri: row.jwks_uri,
        client_id: row.client_id,
        authorization_endpoint: row.authorization_endpoint,
        token_endpoint: row.token_endpoint,
        created_at: toIso(row.created_at),
      }));
  }
}
