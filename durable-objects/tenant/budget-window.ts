/** When a budget's window begins and ends, in UTC: days at midnight, weeks on Monday, months on the first. Pure. */
import type { BudgetWindow } from '../../shared/contracts/budgets.ts';

const DayMs = 86_400_000;
/** 1970-01-05 was a Monday. */
const FirstMondayMs = 4 * DayMs;

/** 0 for `total`, which never ends. */
export function windowStart(window: BudgetWindow, now: number): number {
  switch (window) {
    case 'day':
      return Math.floor(now / DayMs) * DayMs;
    case 'week':
      return Math.floor((now - FirstMondayMs) / (7 * DayMs)) * 7 * DayMs + FirstMondayMs;
    case 'month': {
      const date = new Date(now);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
    }
    case 'total':
      return 0;
  }
}

/** Undefined for `total`. */
export function windowEnd(window: BudgetWindow, start: number): number | undefined {
  switch (window) {
    case 'day':
      return start + DayMs;
    case 'week':
      return start + 7 * DayMs;
    case 'month': {
      const date = new Date(start);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
    }
    case 'total':
      return undefined;
  }
}
