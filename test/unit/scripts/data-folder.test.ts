/** A data folder keeps its agents where they are: another number of buckets would hide them, and is refused. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { requireSameBuckets } from '../../../scripts/platform.ts';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'freehold-layout-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a new folder takes any number of buckets, and from then on no other', async () => {
  const folder = newFolder();
  await requireSameBuckets(folder, '0');
  mkdirSync(join(folder, 'state'));
  await requireSameBuckets(folder, '0');
  await expect(requireSameBuckets(folder, '16')).rejects.toThrow(/in 0 buckets/);
});

test('a folder of an earlier release has the number that was the only one', async () => {
  const folder = newFolder();
  mkdirSync(join(folder, 'state'));
  await requireSameBuckets(folder, '16');
  await expect(requireSameBuckets(folder, '8')).rejects.toThrow(/AGENT_BUCKETS/);
});
