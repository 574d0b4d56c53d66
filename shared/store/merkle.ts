/**
 * Merkle trees over hashes (hex, SHA-256) in the form of RFC 9162: a leaf is hashed after 0x00, a node after 0x01, a tree
 * of n leaves splits at the largest power of two below n. Pure. A frontier is a growing tree in at most log n hashes.
 */
import { sha256OfHex } from './sha256.ts';

/** The roots of the full subtrees of a tree, the largest first; how many there are follows from the number of leaves. */
export type Frontier = readonly string[];

export function hashLeaf(entry: string): string {
  return sha256OfHex(`00${entry}`);
}

function hashNode(left: string, right: string): string {
  return sha256OfHex(`01${left}${right}`);
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
  return proveLeaf(leaves, 0).root;
}

/** The hashes beside the way from a leaf to the root, from the leaf on (RFC 9162, 2.1.3.1), and the root. */
export function proveLeaf(
  leaves: readonly string[],
  at: number,
): { readonly path: readonly string[]; readonly root: string } {
  const path: string[] = [];
  let level = leaves;
  for (let place = at; level.length > 1; place = Math.floor(place / 2)) {
    const beside = level[place % 2 === 0 ? place + 1 : place - 1];
    if (beside !== undefined) path.push(beside);
    level = hashPairs(level);
  }
  return { path, root: level[0]! };
}

/** A last one without another goes up as it is: so a tree splits at the largest power of two below its size. */
function hashPairs(level: readonly string[]): readonly string[] {
  const above: string[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const [left, right] = [level[at]!, level[at + 1]];
    above.push(right === undefined ? left : hashNode(left, right));
  }
  return above;
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
