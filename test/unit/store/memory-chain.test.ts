/** The chain of an agent's memories: whatever is done to stored rows, verification names the first that does not hold. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import {
  appendToChain,
  ChainVerifier,
  computeLinkHash,
  emptyChain,
  GenesisHash,
  verifyChain,
  type MemoryRecord,
} from '../../../shared/store/memory-chain.ts';
import { memoryChain, memoryDraft } from '../../support/memory-factory.ts';

const tenant = mintId('tenant', 0);
const agent = mintId('agent', 0);
const chainOf = (count: number) =>
  memoryChain(
    tenant,
    agent,
    Array.from({ length: count }, (_, at) => ({ text: `memory ${at}` })),
  );
const headOf = (rows: readonly MemoryRecord[]) => rows.at(-1) ?? emptyChain;
const tombstone = (row: MemoryRecord): MemoryRecord => ({ ...row, text: '', deletedAt: 1 });
const verify = (rows: readonly MemoryRecord[], head = headOf(rows)) => verifyChain(tenant, agent, rows, head);

describe('verifyChain', () => {
  test('an untouched chain of any length holds, in pages of any size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 1, max: 7 }), (count, pageSize) => {
        const rows = chainOf(count);
        const verifier = new ChainVerifier(tenant, agent);
        for (let at = 0; at < count; at += pageSize) verifier.push(rows.slice(at, at + pageSize));
        const expected = { valid: true, entries: count, head: headOf(rows).hash, first_invalid: null };
        expect(verifier.finish(headOf(rows))).toEqual(expected);
      }),
    );
  });

  test('an empty chain leads to the genesis hash', () => {
    expect(verify([]).head).toBe(GenesisHash);
    expect(GenesisHash).toMatch(/^0{64}$/);
  });

  test('a deleted memory keeps its link, and the chain still holds', () => {
    const rows = chainOf(4);
    expect(verify([rows[0]!, tombstone(rows[1]!), rows[2]!, tombstone(rows[3]!)], headOf(rows))).toMatchObject({
      valid: true,
    });
  });

  const edits: Record<string, Partial<MemoryRecord>> = {
    text: { text: 'forged' },
    author: { author: 'system' },
    kind: { kind: 'instruction' },
    scope: { scope: 'shared' },
    'source type': { sourceType: 'seed' },
    'source ref': { sourceRef: 'elsewhere' },
    confidence: { confidence: 0.5 },
    'start of validity': { validFrom: 1 },
    'end of validity': { validUntil: 1 },
    supersedes: { supersedes: 'mem_x' },
    time: { createdAt: 5 },
    id: { id: 'mem_x' },
    agent: { agentId: mintId('agent', 0) },
    'content hash': { contentHash: 'f'.repeat(64) },
    'previous hash': { previousHash: 'f'.repeat(64) },
    hash: { hash: 'f'.repeat(64) },
    sequence: { sequence: 9 },
    'deletion without emptying': { deletedAt: 1 },
    'emptying without deletion': { text: '' },
  };
  test.each(Object.entries(edits).map(([what, edit]) => ({ what, edit })))(
    'an edit of the $what is found at its row',
    ({ edit }) => {
      for (const place of [0, 2, 4]) {
        const rows = chainOf(5);
        const head = headOf(rows);
        rows[place] = { ...rows[place]!, ...edit };
        const verification = verify(rows, head);
        expect(verification).toMatchObject({
          valid: false,
          entries: 5,
          first_invalid: { sequence: place + 1, id: rows[place].id },
        });
      }
    },
  );

  test('an edit with its hashes made anew is found at the next row, or at the head', () => {
    const rows = chainOf(4);
    const head = headOf(rows);
    const forge = (row: MemoryRecord) => {
      const forged = appendToChain(
        tenant,
        { sequence: row.sequence - 1, hash: row.previousHash },
        { ...row, text: 'forged' },
      );
      return { ...forged, deletedAt: null };
    };
    expect(verify(rows.with(1, forge(rows[1]!)), head).first_invalid).toMatchObject({ sequence: 3, id: rows[2]!.id });
    expect(verify(rows.with(3, forge(rows[3]!)), head).first_invalid).toMatchObject({ sequence: 4, id: '' });
  });

  test('a missing row, a swapped pair and a cut-off end are found where they begin', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10 }), fc.nat(), (count, seed) => {
        const rows = chainOf(count);
        const head = headOf(rows);
        const place = seed % (count - 1);
        expect(verify(rows.toSpliced(place, 1), head).first_invalid).toEqual({
          sequence: place + 1,
          id: rows[place + 1]!.id,
          reason: `memory ${place + 2} stands where memory ${place + 1} belongs`,
        });
        const swapped = rows.with(place, rows[place + 1]!).with(place + 1, rows[place]!);
        expect(verify(swapped, head).first_invalid).toMatchObject({ sequence: place + 1, id: rows[place + 1]!.id });
        expect(verify(rows.slice(0, place), head).first_invalid).toMatchObject({ sequence: place + 1, id: '' });
      }),
    );
  });

  test('rows beyond the head are found', () => {
    const rows = chainOf(4);
    expect(verify(rows, rows[2]!).first_invalid).toMatchObject({ sequence: 4 });
  });

  test('the rows of one tenant do not verify as those of another', () => {
    const rows = chainOf(2);
    expect(verifyChain(mintId('tenant', 0), agent, rows, headOf(rows)).first_invalid).toMatchObject({ sequence: 1 });
  });
});

describe('computeLinkHash', () => {
  test('no two different links have the same hash', () => {
    const link = { previousHash: GenesisHash, contentHash: 'a'.repeat(64), sequence: 1, agentId: '1agent' };
    expect(computeLinkHash(link)).not.toBe(computeLinkHash({ ...link, sequence: 11, agentId: 'agent' }));
  });

  test('is stable: stored chains must verify under later code', () => {
    const fixed = {
      id: 'mem_1',
      createdAt: 0,
      text: 'Ünïcode “text”',
      sourceRef: 'conv_1',
      confidence: 0.25,
      validUntil: 10,
    };
    const record = appendToChain('tnt_1' as typeof tenant, emptyChain, memoryDraft('agt_1' as typeof agent, fixed));
    expect([record.contentHash, record.hash]).toMatchInlineSnapshot(`
      [
        "393217955f136b06380edb2e29cab0c4fd3e3e555486a0bc4280420f6b975a35",
        "727c729b05cc9e7df3a5d50959c2c04d2ba99c3e8f5b096af1e20948a5f9b9a8",
      ]
    `);
  });
});
