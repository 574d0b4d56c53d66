/** Makes a key's secret, stores its hash, and hands both out once. A key never grants more than its maker has. */
import { KeyPrefixLength } from '../../../shared/core/api-key.ts';
import { toIso } from '../../../shared/core/clock.ts';
import { outlives } from '../../../shared/core/principal.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import { permissions, type CreatedKey, type CreateKey } from '../../../shared/contracts/keys.ts';
import type { TenantCall } from '../../edge/tenant-call.ts';

export async function issueKey(call: TenantCall, wanted: CreateKey): Promise<Result<CreatedKey>> {
  const asked: readonly string[] = wanted.permissions[0] === '*' ? permissions : wanted.permissions;
  const beyond = asked.find((permission) => !call.principal.permissions.includes(permission));
  if (beyond !== undefined) {
    return err('permission_denied', `A key cannot grant "${beyond}", which its maker lacks.`, { param: 'permissions' });
  }
  for (const bound of ['project', 'environment'] as const) {
    const own = call.principal.scope[bound];
    if (own !== null && wanted.scope[bound] !== own) {
      return err('permission_denied', `A key cannot reach beyond the ${bound} "${own}" of its maker.`, {
        param: `scope.${bound}`,
      });
    }
  }
  if (wanted.expires_at !== null && Date.parse(wanted.expires_at) <= call.clock.now()) {
    return err('invalid_request', '"expires_at": lies in the past.', { param: 'expires_at' });
  }
  if (outlives(wanted.expires_at, call.principal)) {
    const end = toIso(call.principal.until!);
    return err('permission_denied', `A key cannot outlive its maker's credential, which ends at ${end}.`, {
      param: 'expires_at',
    });
  }
  const id = call.mint('key');
  const { secret, hash } = call.mintSecret(id);
  const prefix = secret.slice(0, KeyPrefixLength);
  const created = await call.tenant.keys.create({ ...wanted, id, prefix, secretHash: hash }, call.actor);
  return created.ok ? ok({ ...created.value, secret }) : created;
}
