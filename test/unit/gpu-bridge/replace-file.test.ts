import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { replaceFile } from '../../../gpu-bridge/replace-file.ts';

test('a file keeps what it held until all of the new contents are on disk, and is its owner’s alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'freehold-replace-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'secrets.json');
  await replaceFile(path, 'first');
  // A device that takes the opening and refuses every byte stands for the full disk.
  symlinkSync('/dev/full', `${path}.new`);
  await expect(replaceFile(path, 'second')).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(readFileSync(path, 'utf8')).toBe('first');
  unlinkSync(`${path}.new`);
  await replaceFile(path, 'second');
  expect(readFileSync(path, 'utf8')).toBe('second');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
