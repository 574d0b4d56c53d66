/**
 * Restores a tenant out of its archive, line by line as it streams in. Its entry in the directory comes last, so nobody
 * reaches a tenant that is half there; rows that are there already stay, so that the same archive again completes what
 * was cut. A line that was changed, moved or left out ends the restoration.
 */
import { FailureError } from '../shared/core/failure.ts';
import { isId, type TenantId } from '../shared/core/ids.ts';
import { invariant } from '../shared/core/invariant.ts';
import { err, ok, type Result } from '../shared/core/result.ts';
import { operatorActor } from '../shared/contracts/audit.ts';
import {
  ArchiveChain,
  readCell,
  type ArchiveContent,
  type ArchiveDataKey,
  type ArchiveHead,
  type ArchiveRows,
} from '../shared/store/archive.ts';
import { toProfile, type TenantRecord } from '../shared/store/tenant-directory.ts';
import { D1Holder } from './archive-writer.ts';
import { estateSchema } from './estate-schema.ts';
import { holderNames, required, type Estate, type EstatePart, type Holder } from './estate.ts';
import type { Row } from './runtime/holding.ts';
import type { Objects } from './stubs.ts';

const MaxLineChars = 16_000_000;

export type ImportOptions = {
  readonly passphrase?: string | undefined;
  /** Under another name than the archive's. */
  readonly slug?: string | undefined;
};

export type Imported = { readonly record: TenantRecord; readonly lines: number; readonly rows: number };

export async function importTenant(
  objects: Objects,
  estateOf: (tenant: TenantId) => Estate,
  body: AsyncIterable<Uint8Array>,
  options: ImportOptions,
  admitHead: (record: TenantRecord) => Promise<Result<undefined>>,
): Promise<Result<Imported>> {
  const reader = new ArchiveReader(objects, estateOf, options, admitHead);
  try {
    for await (const line of readLines(body)) {
      const taken = await reader.take(line);
      if (!taken.ok) return taken;
    }
    return await reader.finish();
  } catch (error) {
    if (error instanceof FailureError) return { ok: false, failure: error.failure };
    throw error;
  }
}

class ArchiveReader {
  readonly #objects: Objects;
  readonly #estateOf: (tenant: TenantId) => Estate;
  readonly #options: ImportOptions;
  readonly #admitHead: (record: TenantRecord) => Promise<Result<undefined>>;
  readonly #chain = new ArchiveChain();
  #estate: Estate | undefined;
  #record: TenantRecord | undefined;
  #line = 0;
  #pages = 0;
  #rows = 0;
  #ended = false;

  constructor(
    objects: Objects,
    estateOf: (tenant: TenantId) => Estate,
    options: ImportOptions,
    admitHead: (record: TenantRecord) => Promise<Result<undefined>>,
  ) {
    this.#objects = objects;
    this.#estateOf = estateOf;
    this.#options = options;
    this.#admitHead = admitHead;
  }

  async take(text: string): Promise<Result<undefined>> {
    this.#line += 1;
    const read = this.#chain.read(text);
    if ('fault' in read) return this.#refuse(read.fault);
    const { content } = read;
    if (this.#ended) return this.#refuse('stands after the tail');
    if ((content.object === 'archive.head') !== (this.#line === 1)) return this.#refuse('stands in the wrong place');
    switch (content.object) {
      case 'archive.head':
        return this.#head(content);
      case 'archive.data_key':
        return this.#dataKey(content);
      case 'archive.rows':
        return this.#restore(content);
      case 'archive.tail':
        return this.#tail(content);
    }
  }

  async finish(): Promise<Result<Imported>> {
    if (!this.#ended || !this.#record || !this.#estate) {
      return err('invalid_request', 'The archive is cut: its last line is missing. Send it whole.', { param: 'body' });
    }
    const record = this.#record;
    const plan = await this.#objects.plans().find(record.plan);
    if (!plan.ok) return plan;
    const tenant = this.#objects.tenant(record.id as TenantId);
    const told = await required(tenant.tenancy.imported(toProfile(record, plan.value), operatorActor));
    if (!told.ok) return told;
    const listed = await this.#objects.directory().restore(record);
    return listed.ok ? ok({ record, lines: this.#pages, rows: this.#rows }) : listed;
  }

  async #head({ tenant, schema, secrets }: ArchiveHead): Promise<Result<undefined>> {
    if (!isId('tenant', tenant.id)) return this.#refuse('names no tenant');
    const newer = Object.entries(schema).find(
      ([holder, ids]) => !ids.every((id) => (estateSchema[holder] ?? []).includes(id)),
    );
    if (newer) return this.#refuse(`was written by a newer version: ${newer[0]} has tables that are not known here`);
    if (secrets === 'sealed' && this.#options.passphrase === undefined) {
      return err('invalid_request', 'The archive holds sealed secrets: give the passphrase that they lie under.', {
        param: 'passphrase',
      });
    }
    // A deletion that was under way is not what is restored.
    const status = tenant.status === 'deleting' ? 'suspended' : tenant.status;
    const record: TenantRecord = { ...tenant, status, slug: this.#options.slug ?? tenant.slug };
    const admitted = await this.#admitHead(record);
    if (!admitted.ok) return admitted;
    this.#record = record;
    this.#estate = this.#estateOf(tenant.id);
    return ok();
  }

  async #dataKey({ generation, salt, wrapped }: ArchiveDataKey): Promise<Result<undefined>> {
    const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
    return required(
      this.#objects.tenant(this.#record!.id as TenantId).vault.adoptKey(this.#options.passphrase ?? '', {
        generation,
        salt: bytes(salt),
        wrapped: bytes(wrapped),
      }),
    );
  }

  async #restore(line: ArchiveRows): Promise<Result<undefined>> {
    const estate = this.#estate!;
    this.#pages += 1;
    this.#rows += line.rows.length;
    const rows = line.rows.map((row) => row.map(readCell));
    if (line.holder === D1Holder) {
      const tables = await estate.rows.tables();
      if (!tables.ok) return tables;
      if (!tables.value.includes(line.table))
        return this.#refuse(`names the table ${line.table}, which is not known here`);
      return estate.rows.restore(estate.scope, line.table, line.columns, rows as (string | number | null)[][]);
    }
    const holder = holderNames.find((name) => name === line.holder);
    if (!holder) return this.#refuse(`names ${line.holder}, which is not known here`);
    for (const [part, own] of partsOf(estate, holder, line, rows)) {
      const holding = estate.holding(part);
      if (!(await required(holding.tables())).includes(line.table)) {
        return this.#refuse(`names the table ${line.table}, which is not known here`);
      }
      await required(holding.restore(line.table, line.columns, own));
    }
    return ok();
  }

  async #tail({ lines, rows }: Extract<ArchiveContent, { object: 'archive.tail' }>): Promise<Result<undefined>> {
    if (lines !== this.#pages || rows !== this.#rows) return this.#refuse('counts other rows than there were');
    this.#ended = true;
    return ok();
  }

  #refuse(fault: string): Result<never> {
    return err('invalid_request', `Line ${this.#line} of the archive ${fault}.`, { param: 'body' });
  }
}

/** Rows of agents go to whichever object hosts the agent here; everything else keeps its name. */
function partsOf(
  estate: Estate,
  holder: Holder,
  { part, columns }: ArchiveRows,
  rows: Row[],
): (readonly [EstatePart, Row[]])[] {
  if (holder !== 'AGENT') {
    invariant(part === estate.tenant || part.startsWith(`${estate.tenant}/`), 'a part belongs to the tenant it names');
    return [[{ holder, name: part }, rows]];
  }
  const at = columns.indexOf('agent_id');
  // Not an agent's but its object's own: events on their way. They need an object of the same name.
  if (at < 0) return [[{ holder, name: part }, rows]];
  return [...Map.groupBy(rows, (row) => String(row[at]))].map(([agent, own]) => [estate.partOfAgent(agent), own]);
}

async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const parts: string[] = [];
  let size = 0;
  for await (const chunk of body) {
    const pieces = decoder.decode(chunk, { stream: true }).split('\n');
    for (const [at, piece] of pieces.entries()) {
      if (at > 0) {
        yield parts.join('');
        parts.length = 0;
        size = 0;
      }
      size += piece.length;
      if (size > MaxLineChars) throw new FailureError(tooLong);
      parts.push(piece);
    }
  }
  const last = parts.join('');
  if (last !== '') yield last;
}

const tooLong = {
  code: 'payload_too_large',
  message: `A line of the archive is longer than ${MaxLineChars} characters.`,
} as const;
