/** Merkle trees of RFC 9162: roots and paths are those of the reference, and no proof holds for anything else. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  growFrontier,
  hashLeaf,
  proveLeaf,
  rootOfFrontier,
  rootOfLeaves,
  rootOfPath,
} from '../../../shared/store/merkle.ts';
import { proveInclusion, checkInclusion } from '../../../shared/store/memory-proof.ts';

const leavesOf = (count: number) =>
  Array.from({ length: count }, (_, at) => hashLeaf(createHash('sha256').update(`${at}`).digest('hex')));

describe('merkle', () => {
  test('gives the roots of the test vectors of certificate transparency', () => {
    const entries = [
      '',
      '00',
      '10',
      '2021',
      '3031',
      '40414243',
      '5051525354555657',
      '606162636465666768696a6b6c6d6e6f',
    ];
    const leaves = entries.map(hashLeaf);
    expect(rootOfLeaves(leaves.slice(0, 1))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
    expect(rootOfLeaves(leaves)).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
  });

  test('a growing tree has the root of a whole one, and every path leads to it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), (count) => {
        const leaves = leavesOf(count);
        let frontier: readonly string[] = [];
        for (const [at, leaf] of leaves.entries()) frontier = growFrontier(frontier, at, leaf);
        const root = rootOfLeaves(leaves);
        expect(rootOfFrontier(frontier)).toBe(root);
        for (const [at, leaf] of leaves.entries())
          expect(rootOfPath(leaf, at, count, proveLeaf(leaves, at).path)).toBe(root);
      }),
    );
  });

  test('no proof holds for another place, another entry, another size or a path that was cut, stretched or changed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(), (count, seed) => {
        const entries = Array.from({ length: count }, (_, at) => ({
          id: `mem_${at}`,
          hash: createHash('sha256').update(`${at}`).digest('hex'),
        }));
        const proof = proveInclusion(entries[seed % count]!, entries, null);
        expect(checkInclusion(proof)).toBe(true);
        const other = entries[(seed + 1) % count]!.hash;
        for (const forged of [
          { ...proof, leaf_index: (proof.leaf_index + 1) % count },
          { ...proof, hash: other },
          { ...proof, path: proof.path.slice(1) },
          { ...proof, path: [...proof.path, other] },
          { ...proof, path: proof.path.with(0, other) },
          { ...proof, root: other },
          { ...proof, leaf_index: count },
        ]) {
          expect(checkInclusion(forged)).toBe(false);
        }
      }),
    );
  });
});
