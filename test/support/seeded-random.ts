/**
 * Chance that a seed repeats (docs/decisions/0041): the same in every run, unless FREEHOLD_SEED names another, or is
 * `random`.
 */
const given = process.env['FREEHOLD_SEED'] ?? '1';

export const seed = given === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(given);

/** Numbers of [0, 1) by mulberry32. */
export function randomFrom(start: number): () => number {
  let state = start | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
