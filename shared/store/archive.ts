/**
 * The form of a tenant's archive: JSON lines in canonical form. A head, then pages of rows (with the tenant's data key
 * under a passphrase among them, where there is one), then a tail. Every line names a hash over itself and the line
 * before, so a changed, missing or moved line is found, and an archive without its tail is cut. An export goes on from
 * the cursor and the hash of its last whole line.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson, type Json } from '../core/canonical-json.ts';
import { planOverrides } from '../contracts/plans.ts';
import { tenantStatus } from '../contracts/tenants.ts';
import type { TenantRecord } from './tenant-directory.ts';

export const ArchiveMedia = 'application/x-ndjson';
export const ArchiveFormat = 1;
const Genesis = '0'.repeat(64);

export type ArchiveCell = string | number | null | ArrayBuffer;

const cell = z.union([z.string(), z.number(), z.null(), z.strictObject({ base64: z.string() })]);
export type WrittenCell = z.infer<typeof cell>;

const record = z.strictObject({
  id: z.string(),
  slug: z.string(),
  name: z.string(),
  plan: z.string(),
  region: z.string().nullable(),
  status: tenantStatus,
  createdAt: z.number(),
  overrides: planOverrides,
}) satisfies z.ZodType<TenantRecord>;

export const archiveHead = z.strictObject({
  object: z.literal('archive.head'),
  format: z.literal(ArchiveFormat),
  exported_at: z.string(),
  tenant: record,
  schema: z.record(z.string(), z.array(z.string())),
  secrets: z.enum(['left out', 'sealed']),
});
export const archiveRows = z.strictObject({
  object: z.literal('archive.rows'),
  holder: z.string(),
  part: z.string(),
  table: z.string(),
  columns: z.array(z.string()),
  rows: z.array(z.array(cell)),
  cursor: z.string(),
});
/** The tenant's data key under the passphrase of whoever exported. */
export const archiveDataKey = z.strictObject({
  object: z.literal('archive.data_key'),
  generation: z.number().int(),
  salt: z.string(),
  wrapped: z.string(),
});
export const archiveTail = z.strictObject({
  object: z.literal('archive.tail'),
  lines: z.number().int(),
  rows: z.number().int(),
});

const content = z.discriminatedUnion('object', [archiveHead, archiveRows, archiveDataKey, archiveTail]);
export type ArchiveContent = z.infer<typeof content>;
export type ArchiveHead = z.infer<typeof archiveHead>;
export type ArchiveRows = z.infer<typeof archiveRows>;
export type ArchiveDataKey = z.infer<typeof archiveDataKey>;

export function writeCell(value: ArchiveCell): WrittenCell {
  return value instanceof ArrayBuffer ? { base64: Buffer.from(value).toString('base64') } : value;
}

export function readCell(value: WrittenCell): ArchiveCell {
  if (value === null || typeof value !== 'object') return value;
  const bytes = Buffer.from(value.base64, 'base64');
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

/** Where an export stands: what it goes on after, and how much came before. */
export type ArchivePlace = {
  readonly holder: string;
  readonly part: string;
  readonly table: string;
  /** Null: the table is done. */
  readonly after: readonly WrittenCell[] | null;
  readonly lines: number;
  readonly rows: number;
};

const place = z.strictObject({
  holder: z.string(),
  part: z.string(),
  table: z.string(),
  after: z.array(cell).nullable(),
  lines: z.number().int().min(0),
  rows: z.number().int().min(0),
});

export function writePlace(at: ArchivePlace): string {
  return Buffer.from(canonicalJson(at as unknown as Json)).toString('base64url');
}

export function parsePlace(text: string): ArchivePlace | undefined {
  try {
    return place.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}

/** Writes lines one after the other, each with its link. */
export class ArchiveChain {
  #hash: string;

  constructor(hash = Genesis) {
    this.#hash = hash;
  }

  write(line: ArchiveContent): string {
    this.#hash = link(this.#hash, line);
    return `${canonicalJson({ ...line, chain: this.#hash } as unknown as Json)}\n`;
  }

  /** The line's content, or what is wrong with it. */
  read(text: string): { readonly content: ArchiveContent } | { readonly fault: string } {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return { fault: 'is not JSON' };
    }
    const { chain, ...line } = (value ?? {}) as { readonly chain?: unknown };
    const parsed = content.safeParse(line);
    if (!parsed.success) return { fault: `is no line of an archive (${parsed.error.issues[0]?.message})` };
    const expected = link(this.#hash, line as ArchiveContent);
    if (chain !== expected) return { fault: 'does not follow the line before it, or was changed' };
    this.#hash = expected;
    return { content: parsed.data };
  }
}

function link(before: string, line: ArchiveContent): string {
  return createHash('sha256')
    .update(`${before}\n${canonicalJson(line as unknown as Json)}`, 'utf8')
    .digest('hex');
}
