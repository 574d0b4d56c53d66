/** The verifier of exported audit trails: an export that holds is valid; of any other it names the first bad line. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { canonicalJson } from '../../../shared/core/canonical-json.ts';
import { repositoryRoot } from '../../../scripts/platform.ts';
import { verifyExport } from '../../../scripts/verify-audit.ts';
import { auditChain } from '../../support/audit-factory.ts';

const Count = 40;
const chain = auditChain('tnt_1', Count);
const last = chain.at(-1)!;
const headLine = canonicalJson({ object: 'audit.head', tenant: 'tnt_1', sequence: Count, hash: last.hash });
const lines = [...chain.map((entry) => canonicalJson(entry)), headLine];
const folder = mkdtempSync(join(tmpdir(), 'freehold-audit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function command(text: string, ...options: string[]) {
  const file = join(folder, 'export.jsonl');
  writeFileSync(file, text);
  return spawnSync(process.execPath, ['scripts/verify-audit.ts', file, ...options], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  });
}

describe('an export', () => {
  test('as it was written is valid, and leads to its head', async () => {
    expect(await verifyExport(lines)).toEqual({ valid: true, entries: Count, head: last.hash });
    expect(await verifyExport(lines, chain[7]!.hash)).toMatchObject({ valid: true });
  });

  test('without one of its lines, at each of them, is not', async () => {
    for (let at = 0; at < lines.length; at++) {
      expect(await verifyExport(lines.toSpliced(at, 1))).toMatchObject({ valid: false, line: at + 1 });
      expect(await verifyExport(lines.slice(0, at))).toMatchObject({ valid: false, line: at + 1 });
    }
  });

  test('with any character of any line changed is not, and the line is named', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(Count), fc.nat(), fc.constantFrom(...' x0"},'), async (at, seed, character) => {
        const line = lines[at]!;
        const place = seed % line.length;
        const edited = line.slice(0, place) + character + line.slice(place + 1);
        const result = await verifyExport(lines.with(at, edited));
        if (edited === line) expect(result.valid).toBe(true);
        else expect(result).toMatchObject({ valid: false, line: at + 1 });
      }),
      { numRuns: 500 },
    );
  });

  test('with two lines swapped, a line twice, or one in another spelling is not', async () => {
    for (let at = 0; at < lines.length - 1; at++) {
      const swapped = lines.with(at, lines[at + 1]!).with(at + 1, lines[at]!);
      expect(await verifyExport(swapped)).toMatchObject({ valid: false, line: at + 1 });
      expect(await verifyExport(lines.toSpliced(at, 0, lines[at]!))).toMatchObject({ valid: false, line: at + 2 });
    }
    const spelled = JSON.stringify(JSON.parse(lines[3]!), null, 1).replaceAll('\n', '');
    expect(await verifyExport(lines.with(3, spelled))).toMatchObject({ valid: false, line: 4 });
    const twice = lines[3]!.replace('{', '{"action":"tenant.created",');
    expect(await verifyExport(lines.with(3, twice))).toMatchObject({ valid: false, line: 4 });
  });

  test('that was rewritten as a whole does not hold the head that was noted before', async () => {
    const forged = auditChain('tnt_1', Count - 1);
    const head = canonicalJson({
      object: 'audit.head',
      tenant: 'tnt_1',
      sequence: Count - 1,
      hash: forged.at(-1)!.hash,
    });
    const rewritten = [...forged.map((entry) => canonicalJson(entry)), head];
    expect(await verifyExport(rewritten)).toMatchObject({ valid: true });
    expect(await verifyExport(rewritten, last.hash)).toMatchObject({ valid: false });
  });

  test('that is empty or no export at all is not', async () => {
    expect(await verifyExport([])).toMatchObject({ valid: false, line: 1 });
    for (const text of ['', '{}', '[]', 'null', '"x"', '{"object":"audit.head"}']) {
      expect(await verifyExport([text]), text).toMatchObject({ valid: false, line: 1 });
    }
  });
});

describe('the command', () => {
  test('exits with 0 for a valid export, 1 for a bad one, 2 for none, and says which line', () => {
    const good = command(`${lines.join('\n')}\n`);
    expect([good.status, good.stdout]).toEqual([0, `valid: ${Count} entries, head ${last.hash}\n`]);
    const bad = command(`${lines.toSpliced(4, 1).join('\n')}\n`);
    expect(bad.status).toBe(1);
    expect(bad.stderr).toContain('export.jsonl:5: entry 6 stands where entry 5 belongs');
    expect(command(lines.join('\n'), '--head', 'f'.repeat(64)).status).toBe(1);
    expect(spawnSync(process.execPath, ['scripts/verify-audit.ts'], { cwd: repositoryRoot }).status).toBe(2);
    expect(
      spawnSync(process.execPath, ['scripts/verify-audit.ts', join(folder, 'no')], { cwd: repositoryRoot }).status,
    ).toBe(2);
  });
});
