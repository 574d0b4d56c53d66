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
  return toSafeMicros((exact + TokensPerPrice - 1n) / TokensPerPrice);
}

export type TokenCosts = { readonly input: Micros; readonly cached: Micros; readonly output: Micros };

/**
 * What each kind of token has of a cost that was rounded, and perhaps capped, as a whole: the parts add up to it exactly.
 * The first kinds are rounded up, the last one has the rest.
 */
export function splitTokenCost(price: TokenPrice, tokens: TokenCounts, costMicros: Micros): TokenCosts {
  const upTo = (counts: TokenCounts) => Math.min(costMicros, computeCostMicros(price, counts));
  const cachedTokens = Math.min(tokens.cached, tokens.input);
  const input = upTo({ input: tokens.input - cachedTokens, cached: 0, output: 0 });
  const both = upTo({ input: tokens.input, cached: cachedTokens, output: 0 });
  return { input, cached: both - input, output: costMicros - both };
}

/** What a quantity costs at a price for `per` of its units, rounded up to a whole micro. */
export function computeQuantityCost(quantity: number, unitMicros: Micros, per: number): Micros {
  return toSafeMicros((BigInt(quantity) * BigInt(unitMicros) + BigInt(per) - 1n) / BigInt(per));
}

/** A share of an amount, rounded to the nearest micro, half up. All of them at least nothing. */
export function computeShare(amount: Micros | bigint, numerator: number, denominator: number): Micros {
  const [n, d] = [BigInt(numerator), BigInt(denominator)];
  return toSafeMicros((2n * BigInt(amount) * n + d) / (2n * d));
}

function toSafeMicros(exact: bigint): Micros {
  const micros = Number(exact);
  if (!Number.isSafeInteger(micros)) throw new RangeError('cost is beyond the safe integers');
  return micros;
}
