/** Small rules of the edge: caps on headers, traces, and the memory of hosts. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mintId, type TenantId } from '../../../shared/core/ids.ts';
import { err, ok, type Result } from '../../../shared/core/result.ts';
import type { TenantDirectory } from '../../../shared/store/tenant-directory.ts';
import { findHeaderExcess } from '../../../workers/edge/header-limits.ts';
import { TenantResolver } from '../../../workers/edge/resolve-tenant.ts';
import { continueTrace } from '../../../shared/core/trace.ts';

describe('header caps', () => {
  const headers = (count: number, size: number) =>
    new Headers(Array.from({ length: count }, (_, at): [string, string] => [`x-${at}`, 'v'.repeat(size)]));

  test.each([
    [100, 1, false],
    [101, 1, true],
    [1, 32_000, false],
    [1, 32_768, true],
    [50, 1_000, true],
  ])('%d of %d characters are too much: %s', (count, size, excess) => {
    expect(findHeaderExcess(headers(count, size)) !== undefined).toBe(excess);
  });
});

describe('a trace', () => {
  test('goes on with a span of our own where it is well formed', () => {
    const theirs = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`;
    const [, trace, span, flags] = continueTrace(theirs).split('-');
    expect([trace, flags]).toEqual(['a'.repeat(32), '00']);
    expect(span).not.toBe('b'.repeat(16));
  });

  test('begins anew for any other text', () => {
    const broken = fc.oneof(
      fc.string(),
      fc.constantFrom(
        `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
        `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`,
        `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
      ),
    );
    fc.assert(
      fc.property(fc.option(broken), (text) => {
        const trace = continueTrace(text);
        expect(trace).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
        expect(trace).not.toMatch(/-0{32}-|-0{16}-|a{32}/);
      }),
    );
  });
});

describe('the memory of hosts', () => {
  const ids = { acme: mintId('tenant', 1), globex: mintId('tenant', 2) } as Record<string, TenantId>;
  function directory(answer: (name: string) => Result<TenantId | undefined>) {
    const asked: string[] = [];
    const find = async (name: string) => {
      asked.push(name);
      return answer(name);
    };
    return { asked, directory: { findIdBySlug: find, findIdByHostname: find } as unknown as TenantDirectory };
  }

  test('answers again without asking, for a while, and never with another tenant', async () => {
    let now = 0;
    const resolver = new TenantResolver({ now: () => now });
    const { asked, directory: known } = directory((name) => ok(ids[name]));
    for (const [at, slug] of [
      [0, 'acme'],
      [1, 'globex'],
      [9_999, 'acme'],
      [10_000, 'acme'],
    ] as const) {
      now = at;
      expect(await resolver.resolve({ kind: 'tenant', slug }, known)).toEqual(ok(ids[slug]));
    }
    expect(asked).toEqual(['acme', 'globex', 'acme']);
  });

  test('keeps a slug and a hostname of the same text apart', async () => {
    const resolver = new TenantResolver({ now: () => 0 });
    await resolver.resolve({ kind: 'tenant', slug: 'acme' }, directory(() => ok(ids['acme'])).directory);
    const custom = await resolver.resolve(
      { kind: 'custom', hostname: 'acme' },
      directory(() => ok(ids['globex'])).directory,
    );
    expect(custom).toEqual(ok(ids['globex']));
  });

  test('does not remember what is not there, nor an outage', async () => {
    const resolver = new TenantResolver({ now: () => 0 });
    const host = { kind: 'tenant', slug: 'acme' } as const;
    expect(await resolver.resolve(host, directory(() => ok(undefined)).directory)).toMatchObject({
      failure: { code: 'unknown_host' },
    });
    expect(await resolver.resolve(host, directory(() => err('service_unavailable')).directory)).toMatchObject({
      failure: { code: 'service_unavailable' },
    });
    expect(await resolver.resolve(host, directory(() => ok(ids['acme'])).directory)).toEqual(ok(ids['acme']));
  });

  test.each(['apex', 'unknown', 'malformed'] as const)('has no tenant at a host that is %s', async (kind) => {
    const { asked, directory: any } = directory(() => ok(ids['acme']));
    expect(await new TenantResolver({ now: () => 0 }).resolve({ kind }, any)).toMatchObject({
      failure: { code: 'unknown_host' },
    });
    expect(asked).toEqual([]);
  });
});
