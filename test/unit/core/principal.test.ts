/** Who may do what: every combination of permission, reach and scope. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { permissions } from '../../../shared/contracts/keys.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { authorize, toKeptPrincipal, type Principal } from '../../../shared/core/principal.ts';

const [agent, other] = [mintId('agent', 0), mintId('agent', 0)];
const principal = (held: readonly string[], bound: typeof agent | null = null): Principal => ({
  kind: 'key',
  id: mintId('key', 0),
  permissions: held,
  scope: { project: null, environment: null, agent: bound },
});
const subset = fc.subarray([...permissions]);
const asked = fc.constantFrom(...permissions, null);

test.each([{}, { until: 5 }])(
  'what is kept of a principal (%j) is all of it but the request by which it acted',
  (ending) => {
    const own = { ...principal(['keys:read'], agent), ...ending };
    expect(toKeptPrincipal({ ...own, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` })).toStrictEqual(own);
  },
);

describe('authorize', () => {
  test('grants exactly what the permissions hold, to a principal of the whole tenant', () => {
    fc.assert(
      fc.property(subset, asked, fc.constantFrom(null, agent), (held, permission, about) => {
        expect(authorize(principal(held), permission, { agent: about }).ok).toBe(
          permission === null || held.includes(permission),
        );
      }),
    );
  });

  test('never grants less with more permissions', () => {
    fc.assert(
      fc.property(
        subset,
        subset,
        asked,
        fc.constantFrom(null, agent, other),
        fc.constantFrom(null, agent),
        (some, more, permission, about, bound) => {
          const few = authorize(principal(some, bound), permission, { agent: about }).ok;
          const many = authorize(principal([...some, ...more], bound), permission, { agent: about }).ok;
          expect(few && !many).toBe(false);
        },
      ),
    );
  });

  test.each([
    ['its own agent', agent, true],
    ['another agent', other, false],
    ['no agent', null, false],
  ])('binds a principal of one agent to it: %s', (_, about, granted) => {
    expect(authorize(principal([...permissions], agent), 'agents:read', { agent: about }).ok).toBe(granted);
  });

  test('leaves what is inside a conversation to the conversation, but asks for the permission all the same', () => {
    expect(authorize(principal(['conversations:read'], agent), 'conversations:read', 'own').ok).toBe(true);
    expect(authorize(principal([], agent), 'conversations:read', 'own')).toMatchObject({
      ok: false,
      failure: { code: 'permission_denied' },
    });
  });
});
