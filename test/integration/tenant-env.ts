/// <reference types="@cloudflare/vitest-pool-workers/types" />
/** A tenant's object inside workerd, with a clock of the test's and short ways to its methods. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { TenantObject } from '../../durable-objects/tenant/tenant-object.ts';
import type { NewKey } from '../../durable-objects/tenant/key-desk.ts';
import type { Platform } from '../../durable-objects/platform.ts';
import { operatorActor, type AuditEntry } from '../../shared/contracts/audit.ts';
import { createKey, permissions } from '../../shared/contracts/keys.ts';
import type { AdmissionRequest } from '../../shared/contracts/admission.ts';
import { mintId, type KeyId, type TenantId } from '../../shared/core/ids.ts';
import type { Principal } from '../../shared/core/principal.ts';
import type { Result } from '../../shared/core/result.ts';
import { AuditVerifier } from '../../shared/store/audit-chain.ts';
import { tenantObjectName } from '../../shared/tenancy/object-name.ts';

const bindings = env as unknown as Pick<Platform, 'PLATFORM_SIGNING_KEY'> & {
  readonly TENANT: DurableObjectNamespace<TenantObject>;
};
export const platformSigningKey = bindings.PLATFORM_SIGNING_KEY;

export const start = Date.UTC(2026, 5, 1);
export const admin: Principal = {
  kind: 'key',
  id: mintId('key', 0),
  permissions,
  scope: { project: null, environment: null, agent: null },
};

export function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.failure.code}: ${result.failure.reason ?? result.failure.message}`);
  return result.value;
}

let serial = 0;
/** A secret's hash stands for the secret: the object never sees more of it. */
export const hashOf = (name: string) => name.padEnd(64, '.');

export function newKey(partial: Partial<NewKey> = {}): NewKey {
  const id = mintId('key', start + serial++);
  return { ...createKey.parse({ name: 'k' }), id, prefix: `fh_${id.slice(4, 13)}`, secretHash: hashOf(id), ...partial };
}

export async function openTenant() {
  const tenant: TenantId = mintId('tenant', 0);
  const stub = bindings.TENANT.getByName(tenantObjectName(tenant));
  const clock = { at: start, now: () => clock.at };
  const run = <T>(work: (object: TenantObject, state: DurableObjectState) => T | Promise<T>): Promise<T> =>
    runInDurableObject<TenantObject, T>(stub, (object, state) => {
      object.clock = clock;
      return work(object, state);
    });
  const adminKey = newKey();
  must(await run((object) => object.provision(adminKey, operatorActor)));
  const admit = (keyId: KeyId, secretHash: string) =>
    run((object) => {
      const request: AdmissionRequest = {
        credential: { kind: 'key', keyId, secretHash },
        permission: null,
        agentRef: null,
        reach: 'own',
      };
      return object.admit(request);
    });
  const trail = (): Promise<readonly AuditEntry[]> =>
    run((object) => {
      const entries: AuditEntry[] = [];
      for (;;) {
        const page = object.audit.page(entries.at(-1)?.sequence ?? 0, 500);
        entries.push(...page.entries);
        if (page.entries.length < 500) return entries;
      }
    });
  const verify = () =>
    run((object) => {
      const verifier = new AuditVerifier(tenant);
      for (let after = 0; ;) {
        const { entries, head } = object.audit.page(after, 500);
        verifier.push(entries);
        if (entries.length < 500) return verifier.finish(head);
        after = entries.at(-1)!.sequence;
      }
    });
  return { tenant, stub, clock, run, adminKey, admit, trail, verify };
}
