import { readFileSync, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { compactVerify, decodeJwt, importJWK } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { IdentityKeeper, loadBridgeIdentity } from '../../../gpu-bridge/bridge-key.ts';
import { KeyCare } from '../../../gpu-bridge/key-care.ts';
import { KeyRotateAfterMs, type PublicKey } from '../../../shared/contracts/bridges.ts';
import { silentLogger } from '../../../shared/core/log.ts';
import { makeTempDir } from '../../support/bridge-harness.ts';

const start = Date.UTC(2026, 5, 1);

/** A platform that accepts whichever key is shown to it, or is out of order. */
async function startPlatform() {
  const platform = {
    accepted: [] as string[],
    signers: [] as string[],
    isDown: false,
    url: '',
    known: [] as PublicKey[],
  };
  const server = createServer((request, response) => {
    void text(request).then(async (jws) => {
      const { public_key: next } = decodeJwt<{ public_key: PublicKey }>(decodeJwt<{ next: string }>(jws).next);
      for (const key of [...platform.known, next]) {
        const verified = await compactVerify(jws, await importJWK({ ...key }, 'EdDSA')).catch(() => undefined);
        if (verified) platform.signers.push(key.x);
      }
      platform.accepted.push(next.x);
      response.writeHead(platform.isDown ? 503 : 200, { 'content-type': 'application/json' });
      const times = { previous_until: '2026-06-01T01:00:00.000Z', expires_at: '2026-09-01T00:00:00.000Z' };
      response.end(JSON.stringify({ object: 'bridge_key', ...times }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  platform.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return platform;
}

async function setUp() {
  const dataDir = makeTempDir();
  const platform = await startPlatform();
  const identity = await loadBridgeIdentity({ dataDir, id: undefined, privateJwk: undefined, now: start });
  platform.known.push(identity.publicKey);
  const keeper = new IdentityKeeper(dataDir, identity);
  const clock = { at: start, now: () => clock.at };
  let changes = 0;
  const care = new KeyCare({
    keeper,
    dataDir,
    platformUrl: platform.url,
    clock,
    log: silentLogger,
    onChange: () => changes++,
  });
  const file = join(dataDir, 'bridge-key.json');
  const inFile = () => (JSON.parse(readFileSync(file, 'utf8')) as { x: string }).x;
  return { dataDir, platform, identity, keeper, clock, care, file, inFile, changes: () => changes };
}

describe("the bridge's key", () => {
  it('stays until it is sixty days old, and is then replaced under the old one, for its owner only', async () => {
    const { platform, identity, keeper, clock, care, file, inFile, changes } = await setUp();
    clock.at = start + KeyRotateAfterMs - 1;
    await care.look();
    expect([platform.accepted, changes()]).toEqual([[], 0]);
    clock.at++;
    await care.look();
    expect(keeper.current.publicKey.x).not.toBe(identity.publicKey.x);
    expect(platform.accepted).toEqual([keeper.current.publicKey.x]);
    expect(platform.signers).toEqual([identity.publicKey.x]);
    expect([inFile(), keeper.current.id, changes()]).toEqual([keeper.current.publicKey.x, identity.id, 1]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await care.look();
    expect(platform.accepted).toHaveLength(1);
  });

  it('is kept while the platform refuses, and the same next key is shown again later', async () => {
    const { platform, identity, keeper, clock, care, dataDir, changes } = await setUp();
    platform.isDown = true;
    clock.at = start + KeyRotateAfterMs;
    await care.look();
    await care.look();
    expect([keeper.current.publicKey.x, changes()]).toEqual([identity.publicKey.x, 0]);
    const shown = platform.accepted[0]!;
    expect(existsSync(join(dataDir, 'bridge-key.next.json'))).toBe(true);
    platform.isDown = false;
    clock.at += 10 * 60 * 1000;
    await care.look();
    expect(keeper.current.publicKey.x).toBe(shown);
    expect(new Set(platform.accepted)).toEqual(new Set([shown]));
    expect(existsSync(join(dataDir, 'bridge-key.next.json'))).toBe(false);
  });

  it('that another process has put in its place is taken up', async () => {
    const one = await setUp();
    const other = new IdentityKeeper(one.dataDir, one.identity);
    one.clock.at = start + KeyRotateAfterMs;
    await one.care.look();
    expect(await other.reload()).toBe(true);
    expect(await other.reload()).toBe(false);
    expect(other.current.publicKey.x).toBe(one.keeper.current.publicKey.x);
  });
});
