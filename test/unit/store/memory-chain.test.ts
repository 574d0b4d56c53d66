/** The chain of an agent's memories: whatever is done to stored rows, verification names the first that does not hold. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mintId } from '../../../shared/core/ids.ts';
import {
  appendCheckpoint,
  appendToChain,
  ChainVerifier,
  computeCommitment,
  computeLinkHash,
  emptyChain,
  GenesisHash,
  verifyChain,
  writeOrigin,
  type MemoryRecord,
} from '../../../shared/store/memory-chain.ts';
import { growFrontier, hashLeaf } from '../../../shared/store/merkle.ts';
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
const gone = { text: '', sourceRef: null, subject: null, visitor: null, tags: [], salt: null, deletedAt: 1 };
const tombstone = (row: MemoryRecord): MemoryRecord => ({ ...row, ...gone });
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
    tags: { tags: ['forged'] },
    subject: { subject: 'someone else' },
    visitor: { visitor: 'vis_x' },
    readers: { readers: ['*'] },
    sources: { sources: ['mem_x'] },
    salt: { salt: 'another' },
    commitment: { commitment: 'f'.repeat(64) },
    closing: { closedAt: 1, closedBy: 'mem_x' },
    'time of closing': { closedAt: 1 },
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
    expect(verify(rows, rows[2]!).first_invalid).toEqual({
      sequence: 4,
      id: '',
      reason: 'the chain goes on beyond its head',
    });
  });

  test('a row that was given to another agent is found, though it names where it is from', () => {
    const rows = chainOf(3);
    const moved = { ...rows[1]!, agentId: mintId('agent', 1), origin: writeOrigin({ tenant, agent }) };
    expect(verify(rows.with(1, moved)).first_invalid).toMatchObject({
      sequence: 2,
      reason: 'the memory belongs to another agent',
    });
  });

  test('the rows of one tenant do not verify as those of another', () => {
    const rows = chainOf(2);
    expect(verifyChain(mintId('tenant', 0), agent, rows, headOf(rows)).first_invalid).toMatchObject({ sequence: 1 });
  });
});

describe('what is closed', () => {
  const pair = () => {
    const [old, other] = memoryChain(tenant, agent, [{ text: 'closes at six' }, { text: 'opens at nine' }]) as [
      MemoryRecord,
      MemoryRecord,
    ];
    const now = appendToChain(tenant, other, memoryDraft(agent, { text: 'closes at seven', supersedes: old.id }));
    return [{ ...old, closedAt: now.createdAt, closedBy: now.id }, other, now] as const;
  };

  test('holds where the memory that it names supersedes it, from the same moment on', () => {
    expect(verify(pair())).toMatchObject({ valid: true });
  });

  test('is found where it was opened again, closed at another time, by another or without any', () => {
    const [old, other, now] = pair();
    expect(verify([{ ...old, closedAt: null, closedBy: null }, other, now]).first_invalid).toMatchObject({
      id: now.id,
    });
    expect(verify([{ ...old, closedAt: 1 }, other, now]).first_invalid).toMatchObject({ id: now.id });
    expect(verify([old, { ...other, closedAt: now.createdAt, closedBy: now.id }, now]).valid).toBe(false);
    const alone = [{ ...old, closedBy: mintId('memory', 0) }, other] as const;
    expect(verify(alone).first_invalid).toMatchObject({ id: old.id });
  });
});

describe('a deleted memory', () => {
  test('gives nobody a hash of its text that can be guessed: the salt has to be known', () => {
    const [row] = memoryChain(tenant, agent, [{ text: 'PIN 4711', salt: 'unknown' }]);
    const guessed = computeCommitment({ ...memoryDraft(agent, { ...row!, text: 'PIN 4711' }), salt: null });
    expect(guessed).not.toBe(row!.commitment);
    expect(computeCommitment({ ...row!, salt: 'unknown' })).toBe(row!.commitment);
  });

  test('of an earlier release still holds, and so does a live one', () => {
    const rows = memoryChain(tenant, agent, [{ text: 'a', salt: null }, { text: 'b', salt: null }, { text: 'c' }]);
    expect(rows.map(({ commitment }) => commitment === null)).toEqual([true, true, false]);
    expect(verify([{ ...rows[0]!, text: '', deletedAt: 1 }, rows[1]!, tombstone(rows[2]!)])).toMatchObject({
      valid: true,
    });
  });

  test.each(['sourceRef', 'subject', 'visitor', 'salt'])('that still has its %s is found', (member) => {
    const rows = chainOf(3);
    const left = { ...tombstone(rows[1]!), [member]: 'left' };
    expect(verify([rows[0]!, left, rows[2]!]).first_invalid).toMatchObject({ sequence: 2, id: rows[1]!.id });
  });
});

describe('checkpoints', () => {
  function sealedChain(stretches: readonly number[]): MemoryRecord[] {
    const rows: MemoryRecord[] = [];
    let sealed = 0;
    for (const [at, length] of stretches.entries()) {
      let frontier: readonly string[] = [];
      for (let leaf = 0; leaf < length; leaf++) {
        const draft = memoryDraft(agent, { text: `memory ${rows.length}` });
        rows.push(appendToChain(tenant, headOf(rows), draft));
        frontier = growFrontier(frontier, leaf, hashLeaf(rows.at(-1)!.hash));
      }
      if (at === stretches.length - 1) break;
      const place = { id: mintId('memory', 0), agentId: agent, sealed, createdAt: 1 };
      rows.push(appendCheckpoint(tenant, headOf(rows), place, frontier));
      sealed = rows.at(-1)!.sequence;
    }
    return rows;
  }

  test('hold, and a chain is verified from any of them on', () => {
    const rows = sealedChain([3, 5, 2]);
    expect(verify(rows)).toMatchObject({ valid: true, entries: 12 });
    const verifier = new ChainVerifier(tenant, agent, rows[3]!);
    verifier.push(rows.slice(4));
    expect(verifier.finish(headOf(rows))).toMatchObject({ valid: true, entries: 8 });
    expect(verifier.sealed.sequence).toBe(10);
  });

  test('that seal something else, or are made anew over other entries, are found', () => {
    const rows = sealedChain([3, 5, 2]);
    const other = sealedChain([3, 5, 2]);
    const place = { id: rows[9]!.id, agentId: agent, sealed: 4, createdAt: 1 };
    const wrongRoot = appendCheckpoint(tenant, rows[8]!, place, [hashLeaf(other[0]!.hash)]);
    expect(verify([...rows.slice(0, 9), wrongRoot], wrongRoot).first_invalid).toMatchObject({
      sequence: 10,
      reason: 'the checkpoint does not match what it seals',
    });
    const wrongRange = appendCheckpoint(tenant, rows[8]!, { ...place, sealed: 5 }, [hashLeaf(other[0]!.hash)]);
    expect(verify([...rows.slice(0, 9), wrongRange], wrongRange).first_invalid).toMatchObject({ sequence: 10 });
    expect(verify(rows.with(3, tombstone(rows[3]!)), headOf(rows)).first_invalid).toMatchObject({ sequence: 4 });
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
    const drafts = [
      memoryDraft('agt_1' as typeof agent, { ...fixed, salt: null }),
      memoryDraft('agt_1' as typeof agent, {
        ...fixed,
        subject: 'ada',
        tags: ['a', 'b'],
        readers: ['*'],
        sources: ['m'],
      }),
    ];
    const [record, salted] = drafts.map((draft) => appendToChain('tnt_1' as typeof tenant, emptyChain, draft)) as [
      MemoryRecord,
      MemoryRecord,
    ];
    expect([salted.commitment, salted.contentHash, salted.hash]).toMatchInlineSnapshot(`
      [
        "b026c67905b663f28bb182fc47983c5f0a22d8f8128115bf7769cf61562da1c9",
        "3cbbeb7895860ce5a49b3e7350497cc47e1dae0c2e731e7d9780d2549c127740",
        "abe369a94c81cafa311359584a5f98a288e741064f00d265b85626a4eac2dd53",
      ]
    `);
    expect([record.contentHash, record.hash]).toMatchInlineSnapshot(`
      [
        "393217955f136b06380edb2e29cab0c4fd3e3e555486a0bc4280420f6b975a35",
        "727c729b05cc9e7df3a5d50959c2c04d2ba99c3e8f5b096af1e20948a5f9b9a8",
      ]
    `);
  });
});
