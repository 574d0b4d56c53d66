/** For whom a price is, as one text: everybody, a plan, a tenant. The most specific one counts. */

export type PriceAudience = { readonly plan: string | null; readonly tenant: string | null };

export const Everybody = '*';
const PlanPrefix = 'plan:';

export function scopeOfPlan(plan: string): string {
  return PlanPrefix + plan;
}

export function isPlanScope(scope: string): boolean {
  return scope.startsWith(PlanPrefix);
}

export function toScope({ plan, tenant }: PriceAudience): string {
  return tenant ?? (plan === null ? Everybody : scopeOfPlan(plan));
}

export function toAudience(scope: string): PriceAudience {
  if (scope === Everybody) return { plan: null, tenant: null };
  if (isPlanScope(scope)) return { plan: scope.slice(PlanPrefix.length), tenant: null };
  return { plan: null, tenant: scope };
}

/** The scopes that apply to a tenant, the most specific first. */
export function scopesOf(tenant: string, plan: string): readonly string[] {
  return [tenant, scopeOfPlan(plan), Everybody];
}
