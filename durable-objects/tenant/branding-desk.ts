/** The desk of a tenant's looks, and of where its chat may stand. */
import { RpcTarget } from 'cloudflare:workers';
import { toIso } from '../../shared/core/clock.ts';
import { ok, type Result } from '../../shared/core/result.ts';
import { findColorWarnings } from '../../shared/core/color-warnings.ts';
import type { AuditActor } from '../../shared/contracts/audit.ts';
import {
  defaultBranding,
  type Branding,
  type BrandingSettings,
  type UpdateBranding,
} from '../../shared/contracts/branding.ts';
import type { AuditTrail } from './audit-trail.ts';
import { applyBrandingChange } from './branding.ts';
import type { SettingStore } from './setting-store.ts';

type Kept = { readonly settings: BrandingSettings; readonly updatedAt: number };

export class BrandingDesk extends RpcTarget {
  readonly #settings: SettingStore;
  readonly #trail: AuditTrail;
  readonly #now: () => number;

  constructor(settings: SettingStore, trail: AuditTrail, now: () => number) {
    super();
    this.#settings = settings;
    this.#trail = trail;
    this.#now = now;
  }

  get(): Branding {
    const kept = this.#kept();
    const settings = { ...defaultBranding, ...kept?.settings };
    return {
      object: 'branding',
      ...settings,
      warnings: findColorWarnings(settings.colors),
      updated_at: kept ? toIso(kept.updatedAt) : null,
    };
  }

  allowedOrigins(): string[] {
    return this.get().allowed_origins;
  }

  update(change: UpdateBranding, actor: AuditActor): Result<Branding> {
    const settings = applyBrandingChange({ ...defaultBranding, ...this.#kept()?.settings }, change);
    return this.#trail.change(
      actor,
      'branding.updated',
      () => {
        this.#settings.set('branding', JSON.stringify({ settings, updatedAt: this.#now() } satisfies Kept));
        return ok(this.get());
      },
      () => ({ target: null, details: { changed: Object.keys(change) } }),
    );
  }

  #kept(): Kept | undefined {
    const text = this.#settings.get('branding');
    return text === undefined ? undefined : (JSON.parse(text) as Kept);
  }
}
