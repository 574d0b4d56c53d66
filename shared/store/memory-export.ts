/**
 * An agent's chain on paper: one line an entry, as it is stored, then its head. Pure; read back without any platform. Every
 * line must be what the platform writes, byte for byte: nothing can hide in another spelling of the same.
 */
import { z } from 'zod';
import { parseCanonical, type Json } from '../core/canonical-json.ts';
import type { AgentId, TenantId } from '../core/ids.ts';
import type { ChainHead, MemoryRecord } from './memory-chain.ts';

const time = z.number().int();
const hash = z.string().regex(/^[0-9a-f]{64}$/);

export const exportedMemory = z.strictObject({
  id: z.string(),
  agentId: z.string(),
  sequence: time,
  scope: z.enum(['private', 'shared']),
  kind: z.enum(['fact', 'event', 'instruction', 'summary', 'checkpoint']),
  text: z.string(),
  sourceType: z.enum(['person', 'conversation', 'document', 'tool', 'seed', 'consolidation']),
  sourceRef: z.string().nullable(),
  author: z.string(),
  confidence: z.number(),
  validFrom: time.nullable(),
  validUntil: time.nullable(),
  supersedes: z.string().nullable(),
  embeddingSpace: z.string(),
  contentHash: hash,
  previousHash: hash,
  hash,
  createdAt: time,
  deletedAt: time.nullable(),
  tags: z.array(z.string()),
  subject: z.string().nullable(),
  visitor: z.string().nullable(),
  readers: z.array(z.string()),
  sources: z.array(z.string()),
  salt: z.string().nullable(),
  commitment: hash.nullable(),
  closedAt: time.nullable(),
  closedBy: z.string().nullable(),
  origin: z.string().nullable().default(null),
  /** Derived: float32, little endian, in base64. */
  vector: z.base64().optional(),
});

export const exportedHead = z.strictObject({
  head: z.literal(true),
  tenant: z.string(),
  agent: z.string(),
  sequence: time,
  hash,
});
export type ExportedHead = z.infer<typeof exportedHead>;

export function toExportedMemory(record: MemoryRecord, values?: readonly number[]): Json {
  const vector = values && { vector: Buffer.from(new Float32Array(values).buffer).toString('base64') };
  return { ...record, ...vector } as unknown as Json;
}

export function toExportedHead(tenant: TenantId, agent: AgentId, { sequence, hash: last }: ChainHead): ExportedHead {
  return { head: true, tenant, agent, sequence, hash: last };
}

export type MemoryExport = { readonly rows: readonly MemoryRecord[]; readonly head: ExportedHead };
export type ExportFault = { readonly line: number; readonly reason: string };

/** Takes an export line by line; whether the chain holds is for a ChainVerifier to say. */
export class ExportReader {
  readonly rows: MemoryRecord[] = [];
  #head: ExportedHead | undefined;
  #line = 0;

  /** The fault of this line, if it has one. */
  take(text: string): ExportFault | undefined {
    this.#line += 1;
    if (this.#head) return this.#fault('there is something after the head');
    const value = parseCanonical(text);
    if (value === undefined) return this.#fault('the line is not canonical JSON');
    const last = exportedHead.safeParse(value);
    if (last.success) {
      this.#head = last.data;
      return undefined;
    }
    const entry = exportedMemory.safeParse(value);
    if (!entry.success) return this.#fault('the line is neither an entry nor the head of the chain');
    const { vector: _, ...row } = entry.data;
    this.rows.push(row as MemoryRecord);
    return undefined;
  }

  finish(): { readonly head: ExportedHead } | ExportFault {
    if (this.#head) return { head: this.#head };
    return { line: this.#line + 1, reason: 'the head of the chain is missing: the export is cut' };
  }

  #fault(reason: string): ExportFault {
    return { line: this.#line, reason };
  }
}
