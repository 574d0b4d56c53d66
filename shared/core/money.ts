/**
 * Money as integer micro-USD (1 USD = 1,000,000 micros). Prices are micros per million tokens.
 * A cost is rounded up to the next micro once per ledger entry, so nothing that was produced is free by rounding.
 */
export type Micros = number;

export type TokenPrice = {
  readonly input_micros_per_mtok: Micros;
  readonly cached_input_micros_per_mtok: Micros;
  readonly output_micros_per_mtok: Micros;
};

export type TokenCounts = {
  /** All input tokens, the cached ones included. */
  readonly input: number;
  /** The part of `input` that the node served from its cache. */
  readonly cached: number;
  readonly output: number;
};

const TokensPerPrice = 1_000_000n;

/** The exact cost of these tokens, rounded up to a whole micro. Throws where it would leave the safe integers. */
export function computeCostMicros(price: TokenPrice, tokens: TokenCounts): Micros {
  const cached = Math.min(tokens.cached, tokens.input);
  const exact =
    BigInt(tokens.input - cached) * BigInt(price.input_micros_per_mtok) +
    BigInt(cached) * BigInt(price.cached_input_micros_per_mtok) +
    BigInt(tokens.output) * BigInt(price.output_micros_per_mtok);
  const micros = Number((exact + TokensPerPrice - 1n) / TokensPerPrice);
  if (!Number.isSafeInteger(micros)) throw new RangeError('cost is beyond the safe integers');
  return micros;
}
