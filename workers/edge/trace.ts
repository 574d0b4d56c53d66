/** W3C Trace Context: continues the caller's trace with a span of our own, or begins one. */
const Pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const NoTrace = '0'.repeat(32);
const NoSpan = '0'.repeat(16);

export function continueTrace(header: string | null): string {
  const match = header === null ? null : Pattern.exec(header);
  const known = match && match[1] !== NoTrace && match[2] !== NoSpan;
  return `00-${known ? match[1] : randomHex()}-${randomHex().slice(16)}-${known ? match[3] : '01'}`;
}

/** 32 digits, of which the last 15 are random: enough for either part. Native, unlike making hex of bytes. */
function randomHex(): string {
  return crypto.randomUUID().replaceAll('-', '');
}
