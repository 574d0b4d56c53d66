/** Rules of a tenant's looks: what a change makes of them. */
import type { BrandingSettings, UpdateBranding } from '../../shared/contracts/branding.ts';

export function applyBrandingChange(before: BrandingSettings, change: UpdateBranding): BrandingSettings {
  return { ...before, ...given(change), colors: { ...before.colors, ...given(change.colors ?? {}) } };
}

/** Without the members that are undefined. */
function given<T extends object>(change: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as never;
}
