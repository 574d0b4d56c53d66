/** Inclusion proofs of memories: made from the hashes of a stretch between two checkpoints, checked by anybody. Pure. */
import type { InclusionProof } from '../contracts/memories.ts';
import type { ChainHead, MemoryRecord } from './memory-chain.ts';
import { hashLeaf, proveLeaf, rootOfPath } from './merkle.ts';

/** The hash of one entry of a chain. */
export type LinkHash = Pick<MemoryRecord, 'id' | 'hash'>;

/** `stretch`: all entries between the checkpoints around the memory, in order. */
export function proveInclusion(
  memory: LinkHash,
  stretch: readonly LinkHash[],
  checkpoint: ChainHead | null,
): InclusionProof {
  const leaves = stretch.map(({ hash }) => hashLeaf(hash));
  const at = stretch.findIndex(({ id }) => id === memory.id);
  const { path, root } = proveLeaf(leaves, at);
  return {
    object: 'memory.proof',
    memory: memory.id,
    hash: memory.hash,
    leaf_index: at,
    tree_size: leaves.length,
    path: [...path],
    root,
    checkpoint: checkpoint && { sequence: checkpoint.sequence, hash: checkpoint.hash },
  };
}

/** Whether the memory's hash is where the proof says, under its root. The root has to be the checkpoint's. */
export function checkInclusion(proof: InclusionProof): boolean {
  const { hash, leaf_index: at, tree_size: size, path, root } = proof;
  return rootOfPath(hashLeaf(hash), at, size, path) === root;
}
