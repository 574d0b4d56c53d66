/** Numbers, money and times as people read them. Money comes as integer micro-USD. */
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

export const formatNumber = (value: number): string => whole.format(value);
export const formatCompact = (value: number): string => (value < 10_000 ? whole.format(value) : compact.format(value));

/** Two digits after the point, and as many more as a small amount needs to be seen. */
export function formatMoney(micros: number): string {
  const dollars = micros / 1_000_000;
  const digits = micros === 0 || Math.abs(dollars) >= 1 ? 2 : Math.abs(dollars) >= 0.01 ? 4 : 6;
  return new Intl.NumberFormat('en', {
    style: 'currency',
    currency: 'USD',
    minimumFractionDigits: Math.min(digits, 2),
    maximumFractionDigits: digits,
  }).format(dollars);
}

export const formatTime = (iso: string): string => exact.format(new Date(iso));

const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' });
const month = new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' });

/** `2026-11-20`, a day of the books, which begin at midnight UTC. */
export const formatDay = (date: string): string => day.format(new Date(date));
/** `2026-11` as `November 2026`. */
export const formatMonth = (yearMonth: string): string => month.format(new Date(`${yearMonth}-01`));

const units = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
] as const;

export function formatAge(iso: string, now: number): string {
  let amount = (Date.parse(iso) - now) / 1_000;
  if (Math.abs(amount) < 5) return 'just now';
  for (const [unit, size] of units) {
    if (Math.abs(amount) < size) return relative.format(Math.round(amount), unit);
    amount /= size;
  }
  return relative.format(Math.round(amount), 'year');
}

export function formatMs(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)}\u00a0ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)}\u00a0s`;
}

/** `Blue Bakery` as `blue-bakery`. */
export function toSlug(name: string): string {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  return plain
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replaceAll(/^-|-$/g, '');
}

/** `input_tokens` as `Input tokens`. */
export function toWords(name: string): string {
  const text = name.replaceAll(/[_.]/g, ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
