/** W3C Trace Context: continues the caller's trace with a span of our own, or begins one. */
const Pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const NoTrace = '0'.repeat(32);
const NoSpan = '0'.repeat(16);
const Sampled = 0x01;

export type TraceParent = { readonly traceId: string; readonly spanId: string; readonly isSampled: boolean };

/** Undefined where it is not a valid one. */
export function parseTrace(header: string | null | undefined): TraceParent | undefined {
  const match = Pattern.exec(header ?? '');
  if (!match || match[1] === NoTrace || match[2] === NoSpan) return undefined;
  return { traceId: match[1]!, spanId: match[2]!, isSampled: (Number.parseInt(match[3]!, 16) & Sampled) !== 0 };
}

/** The request that work comes from: what runs later for it goes by the same id, in the same trace. */
export type Origin = { readonly requestId: string; readonly traceparent: string };

export function continueTrace(header: string | null): string {
  const known = parseTrace(header);
  const flags = known ? header!.slice(-2) : '01';
  return `00-${known?.traceId ?? randomHex()}-${randomHex().slice(16)}-${flags}`;
}

/** The same trace, under a span whose id is made of what the span is about: begun again, it is the same span. */
export function nestTrace(traceparent: string, about: string): string {
  return parseTrace(traceparent)
    ? `${traceparent.slice(0, 36)}${spanIdOf(about)}${traceparent.slice(52)}`
    : traceparent;
}

/** 64 bits of FNV-1a, which tells spans of one trace apart; nothing is secured by it. */
export function spanIdOf(about: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let at = 0; at < about.length; at++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(about.charCodeAt(at))) * 0x100000001b3n);
  }
  return (hash || 1n).toString(16).padStart(16, '0');
}

/** 32 digits, of which the last 15 are random: enough for either part. Native, unlike making hex of bytes. */
function randomHex(): string {
  return crypto.randomUUID().replaceAll('-', '');
}
