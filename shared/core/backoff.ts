/** Exponential backoff with full jitter. `attempt` counts from 0; the result is in milliseconds. */
export function computeBackoffMs(
  attempt: number,
  options: { readonly baseMs: number; readonly capMs: number; readonly random: () => number },
): number {
  const ceiling = Math.min(options.capMs, options.baseMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceiling * (0.5 + 0.5 * options.random()));
}
