/**
 * Writes a tenant's archive, a page at a time, out of every part of its estate: whatever tables there are. Memory is
 * bounded by a page; an export that was cut goes on from its last whole line. It is consistent page by page: suspend the
 * tenant first where it has to be of one moment.
 */
import { toIso } from '../shared/core/clock.ts';
import { FailureError } from '../shared/core/failure.ts';
import { err, ok, type Result } from '../shared/core/result.ts';
import {
  ArchiveChain,
  ArchiveFormat,
  parsePlace,
  readCell,
  writeCell,
  writePlace,
  type ArchivePlace,
  type WrittenCell,
} from '../shared/store/archive.ts';
import type { TenantRecord } from '../shared/store/tenant-directory.ts';
import { estateSchema } from './estate-schema.ts';
import { required, type Estate, type EstatePart, type Holder } from './estate.ts';
import type { Objects } from './stubs.ts';

export type ExportOptions = {
  /** Secrets are in the archive only under one. */
  readonly passphrase?: string | undefined;
  /** To go on after the last whole line of an archive that was cut: its `cursor` and its `chain`. */
  readonly after?: { readonly cursor: string; readonly chain: string } | undefined;
};

/** Rows of D1, beside those of the objects. */
export const D1Holder = 'D1';
/** What is sealed, and the key that it lies under. */
const sealedTables: ReadonlySet<string> = new Set(['secrets', 'secret_versions']);
/** What other objects say of themselves, and say again where they are restored. */
const ToldTable = 'agent_objects';
/** Travels under the passphrase instead, in a line of its own. */
const KeyTable = 'data_keys';
const encoder = new TextEncoder();

/** Everything that can be refused is refused before the first byte. */
export async function exportTenant(
  objects: Objects,
  estate: Estate,
  record: TenantRecord,
  options: ExportOptions,
  now: number,
): Promise<Result<ReadableStream<Uint8Array>>> {
  const from = options.after && parsePlace(options.after.cursor);
  if (options.after && !from) {
    return err('invalid_request', '"after.cursor" is not the cursor of an archive.', { param: 'after.cursor' });
  }
  const lines = new ArchiveWriter(objects, estate, options, from).lines(record, now);
  return ok(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        try {
          const line = await lines.next();
          if (line.done) controller.close();
          else controller.enqueue(encoder.encode(line.value));
        } catch (error) {
          controller.error(error);
        }
      },
      async cancel() {
        await lines.return(undefined);
      },
    }),
  );
}

class ArchiveWriter {
  readonly #objects: Objects;
  readonly #estate: Estate;
  readonly #passphrase: string | undefined;
  readonly #from: ArchivePlace | undefined;
  readonly #chain: ArchiveChain;
  #lines: number;
  #rows: number;

  constructor(objects: Objects, estate: Estate, { passphrase, after }: ExportOptions, from: ArchivePlace | undefined) {
    this.#objects = objects;
    this.#estate = estate;
    this.#passphrase = passphrase;
    this.#from = from;
    this.#chain = new ArchiveChain(after?.chain);
    this.#lines = from?.lines ?? 0;
    this.#rows = from?.rows ?? 0;
  }

  async *lines(record: TenantRecord, now: number): AsyncGenerator<string, void, undefined> {
    if (!this.#from) {
      yield this.#chain.write({
        object: 'archive.head',
        format: ArchiveFormat,
        exported_at: toIso(now),
        tenant: record,
        schema: estateSchema,
        secrets: this.#passphrase === undefined ? 'left out' : 'sealed',
      });
      yield* this.#dataKey();
    }
    if (this.#from?.holder !== D1Holder) {
      const from = this.#from && { holder: this.#from.holder as Holder, name: this.#from.part };
      for await (const part of this.#estate.parts(from)) yield* this.#part(part);
    }
    yield* this.#d1();
    yield this.#chain.write({ object: 'archive.tail', lines: this.#lines, rows: this.#rows });
  }

  async *#dataKey(): AsyncGenerator<string> {
    if (this.#passphrase === undefined) return;
    const sealed = await required(this.#objects.tenant(this.#estate.tenant).vault.sealKey(this.#passphrase));
    if (!sealed.ok) throw new FailureError(sealed.failure);
    if (!sealed.value) return;
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
    const { generation, salt, wrapped } = sealed.value;
    yield this.#chain.write({ object: 'archive.data_key', generation, salt: base64(salt), wrapped: base64(wrapped) });
  }

  async *#part(part: EstatePart): AsyncGenerator<string> {
    const holding = this.#estate.holding(part);
    for (const table of await required(holding.tables())) {
      if (this.#isLeftOut(part.holder, table)) continue;
      const start = this.#startOf(part.holder, part.name, table);
      if (start === null) continue;
      for (let after = start?.map(readCell) ?? null; ;) {
        const page = await required(holding.page(table, after));
        const rows = page.rows.map((row) => row.map(writeCell));
        const next = page.next?.map(writeCell) ?? null;
        if (rows.length > 0) yield this.#write(part.holder, part.name, table, page.columns, rows, next);
        if (page.next === null) break;
        after = [...page.next];
      }
    }
  }

  async *#d1(): AsyncGenerator<string> {
    const { rows: source, scope } = this.#estate;
    const tables = await source.tables();
    if (!tables.ok) throw new FailureError(tables.failure);
    for (const table of tables.value) {
      const start = this.#startOf(D1Holder, '', table);
      if (start === null) continue;
      for (let after: number | null = Number(start?.[0] ?? 0); after !== null;) {
        const page = await source.page(scope, table, after);
        if (!page.ok) throw new FailureError(page.failure);
        const { columns, rows, next } = page.value;
        if (rows.length > 0) yield this.#write(D1Holder, '', table, columns, rows, next === null ? null : [next]);
        after = next;
      }
    }
  }

  #isLeftOut(holder: Holder, table: string): boolean {
    if (holder !== 'TENANT') return false;
    return table === KeyTable || table === ToldTable || (this.#passphrase === undefined && sealedTables.has(table));
  }

  /** Where a table of the part goes on: undefined at its beginning, null where it is done. */
  #startOf(holder: string, part: string, table: string): readonly WrittenCell[] | null | undefined {
    const from = this.#from;
    if (from?.holder !== holder || from.part !== part || table > from.table) return undefined;
    return table < from.table ? null : from.after;
  }

  #write(
    holder: string,
    part: string,
    table: string,
    columns: readonly string[],
    rows: WrittenCell[][],
    after: WrittenCell[] | null,
  ): string {
    this.#lines += 1;
    this.#rows += rows.length;
    const cursor = writePlace({ holder, part, table, after, lines: this.#lines, rows: this.#rows });
    return this.#chain.write({ object: 'archive.rows', holder, part, table, columns: [...columns], rows, cursor });
  }
}
