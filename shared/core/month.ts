/** Calendar months in UTC, as `2026-11`: they sort as text. */
export type Month = string;

export function monthOf(ms: number): Month {
  return new Date(ms).toISOString().slice(0, 7);
}

export function monthStart(month: Month): number {
  return Date.parse(`${month}-01T00:00:00.000Z`);
}

export function nextMonth(month: Month): Month {
  const start = new Date(monthStart(month));
  return monthOf(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1));
}

/** The first moment that is no longer in the month. */
export function monthEnd(month: Month): number {
  return monthStart(nextMonth(month));
}
