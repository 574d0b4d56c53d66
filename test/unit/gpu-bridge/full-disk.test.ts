import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { JournalFile } from '../../../gpu-bridge/journal-file.ts';
import type { Receipt } from '../../../shared/contracts/inference.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { readEvents, startFakeNode, startHarness } from '../../support/bridge-harness.ts';

/** A disk on which every nth write ends in the middle of it, and every write that does not goes in two parts. */
function makeDisk(nth: number) {
  const disk = { isFailing: true, writes: 0 };
  class FailingFile extends JournalFile {
    protected override write(file: number, bytes: Buffer, offset: number, position: number): number {
      if (!disk.isFailing) return super.write(file, bytes, offset, position);
      const half = bytes.subarray(0, Math.ceil((offset + bytes.length) / 2));
      const written = super.write(file, half, offset, position);
      if (++disk.writes % nth > 0) return written;
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    }
  }
  return { disk, open: (...args: Parameters<typeof JournalFile.open>) => FailingFile.open(...args) };
}

/** The runs that the disk knows from their beginning to their receipt; every line must be whole. */
function readSettled(path: string): string[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  const records = lines.map((line) => JSON.parse(line) as { t: string; run?: { run: string }; receipt?: Receipt });
  const begun = new Set(records.flatMap((record) => (record.t === 'open' ? (record.run?.run ?? []) : [])));
  return records.flatMap(({ receipt }) => receipt?.run ?? []).filter((run) => begun.has(run));
}

describe('a bridge whose disk is full', () => {
  for (const nth of [1, 2, 3, 4, 5, 7, 11, 23]) {
    it(`at every write number ${nth} of it answers nobody without a receipt on the disk, says no more than it must, and loses no receipt`, async () => {
      const node = await startFakeNode();
      const { disk, open } = makeDisk(nth);
      const nodes = [{ kind: 'openai-compatible' as const, name: 'n', url: node.url }];
      const harness = await startHarness({ nodes, deps: { openJournalFile: open } });
      const ask = async (stream: boolean) => {
        const run = mintId('run', Date.now());
        const { status, text } = await harness.chat({ stream }, { jti: run });
        const isWhole = stream && status === 200 ? readEvents(text).done : status === 200;
        if (isWhole) expect(readSettled(join(harness.dataDir, 'journal.ndjson'))).toContain(run);
        else {
          expect(text).toContain('"service_unavailable"');
          expect(text).not.toMatch(/ENOSPC|journal|write/i);
        }
        // What was produced is billed all the same: the receipt goes from memory to the platform.
        const receipt = await harness.platform.waitForReceipt(run);
        expect(receipt.run).toBe(run);
      };
      for (let count = 0; count < 6; count++) await ask(count % 2 === 0);
      await Promise.all([true, false, true, false].map(ask));
      disk.isFailing = false;
      expect((await harness.chat()).status).toBe(200);
    });
  }
});
