/**
 * Merkle trees over hashes (hex, SHA-256) in the form of RFC 9162: a leaf is hashed after 0x00, a node after 0x01, a tree
 * of n leaves splits at the largest power of two below n. Pure. A frontier is a growing tree in at most log n hashes.
 */
import { createHash } from 'node:crypto';

/** The roots of the full subtrees of a tree, the largest first; how many there are follows from the number of leaves. */
export type Frontier = readonly string[];

const LeafPrefix = Buffer.from([0]);
const NodePrefix = Buffer.from([1]);

export function hashLeaf(entry: string): string {
  return createHash('sha256').update(LeafPrefix).update(entry, 'hex').digest('hex');
}

function hashNode(left: string, right: string): string {
  return createHash('sha256').update(NodePrefix).update(left, 'hex').update(right, 'hex').digest('hex');
}

/** The frontier after the leaf that comes as number `count`, from 0. */
export function growFrontier(frontier: Frontier, count: number, leaf: string): Frontier {
  const grown = [...frontier];
  let node = leaf;
  for (let rest = count; rest % 2 === 1; rest = Math.floor(rest / 2)) node = hashNode(grown.pop()!, node);
  return [...grown, node];
}

/** Undefined where there is no leaf. */
export function rootOfFrontier(frontier: Frontier): string | undefined {
  return frontier.length === 0 ? undefined : frontier.reduceRight((right, left) => hashNode(left, right));
}

export function rootOfLeaves(leaves: readonly string[]): string {
  if (leaves.length === 1) return leaves[0]!;
  const split = splitAt(leaves.length);
  return hashNode(rootOfLeaves(leaves.slice(0, split)), rootOfLeaves(leaves.slice(split)));
}

/** The hashes beside the way from a leaf to the root, from the leaf on (RFC 9162, 2.1.3.1). */
export function provePath(leaves: readonly string[], at: number): readonly string[] {
  if (leaves.length <= 1) return [];
  const split = splitAt(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return at < split
    ? [...provePath(left, at), rootOfLeaves(right)]
    : [...provePath(right, at - split), rootOfLeaves(left)];
}

/** The root that a path leads to (RFC 9162, 2.1.3.2); undefined where the path has the wrong length. */
export function rootOfPath(leaf: string, at: number, size: number, path: readonly string[]): string | undefined {
  if (at < 0 || at >= size) return undefined;
  let [place, last, node] = [at, size - 1, leaf];
  for (const beside of path) {
    if (last === 0) return undefined;
    if (place % 2 === 1 || place === last) {
      node = hashNode(beside, node);
      while (place % 2 === 0 && place !== 0) [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
    } else node = hashNode(node, beside);
    [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
  }
  return last === 0 ? node : undefined;
}

function splitAt(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}
