import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { JournalFile } from '../../../gpu-bridge/journal-file.ts';
import type { Receipt } from '../../../shared/contracts/inference.ts';
import { mintId } from '../../../shared/core/ids.ts';
import { readEvents, startFakeNode, startHarness } from '../../support/bridge-harness.ts';

/** Each n fails first at another of the writes that a job makes. */
const Moments = 11;

/** A disk on which every nth write ends in the middle of it, and every write that does not goes in two parts. */
function makeDisk() {
  const disk = {
    nth: Infinity,
    writes: 0,
    failed: 0,
    arm(nth: number) {
      disk.nth = nth;
      disk.writes = nth - 1 - Math.min(nth % Moments, nth - 1);
      disk.failed = 0;
    },
  };
  class FailingFile extends JournalFile {
    protected override write(file: number, bytes: Buffer, offset: number, position: number): number {
      if (disk.nth === Infinity) return super.write(file, bytes, offset, position);
      const half = bytes.subarray(0, Math.ceil((offset + bytes.length) / 2));
      const written = super.write(file, half, offset, position);
      if (++disk.writes % disk.nth > 0) return written;
      disk.failed++;
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    }
  }
  return { disk, open: (...args: Parameters<typeof JournalFile.open>) => FailingFile.open(...args) };
}

/** Whether the disk knows the run from its beginning to its receipt; every line must be whole. */
function isSettled(path: string, run: string): boolean {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  expect(lines.filter((line) => !/^\{"t":.*\}$/.test(line))).toEqual([]);
  const ofRun = lines.filter((line) => line.includes(run));
  const records = ofRun.map((line) => JSON.parse(line) as { t: string; run?: { run: string }; receipt?: Receipt });
  return (
    records.some((record) => record.t === 'open' && record.run?.run === run) &&
    records.some(({ receipt }) => receipt?.run === run)
  );
}

const asks = {
  stream: { body: { stream: true }, path: '/v1/chat/completions', operation: 'chat' },
  body: { body: {}, path: '/v1/chat/completions', operation: 'chat' },
  speech: { body: { input: 'Hello.', voice: 'v' }, path: '/v1/audio/speech', operation: 'speech' },
} as const;
type Asked = keyof typeof asks;

function isWhole(asked: Asked, status: number, text: string): boolean {
  if (status !== 200) return false;
  if (asked === 'stream') return readEvents(text).done;
  return asked === 'body' || text.includes('speech.audio.done');
}

describe('a bridge whose disk is full', () => {
  const Span = 20;
  for (let from = 1; from <= 200; from += Span) {
    it(`at every nth write, n from ${from} to ${from + Span - 1}, answers nobody without a receipt on the disk, says no more than it must, and loses no receipt`, async () => {
      const node = await startFakeNode();
      const { disk, open } = makeDisk();
      const config = { kind: 'openai-compatible' as const, name: 'n', url: node.url };
      const nodes = [{ ...config, operations: { tiny: ['chat' as const, 'speech' as const] } }];
      const harness = await startHarness({ nodes, deps: { openJournalFile: open } });
      const ask = async (asked: Asked) => {
        const run = mintId('run', Date.now());
        const { body, path, operation } = asks[asked];
        const token = await harness.token({ model: 'tiny', operation, jti: run });
        const messages = [{ role: 'user', content: 'hello there' }];
        const { status, text } = await harness.post(path, { model: 'tiny', messages, ...body }, token);
        if (isWhole(asked, status, text)) {
          expect(isSettled(join(harness.dataDir, 'journal.ndjson'), run)).toBe(true);
        } else {
          expect(text).toContain('"service_unavailable"');
          expect(text).not.toMatch(/ENOSPC|journal|write/i);
        }
        // What was produced is billed all the same: the receipt goes from memory to the platform.
        const receipt = await harness.platform.waitForReceipt(run);
        expect(receipt.run).toBe(run);
      };
      for (let nth = from; nth < from + Span; nth++) {
        disk.arm(nth);
        do {
          for (const asked of ['stream', 'body', 'speech'] as const) await ask(asked);
          if (nth <= Span) await Promise.all((['stream', 'body', 'speech'] as const).map(ask));
        } while (disk.failed === 0);
      }
      disk.nth = Infinity;
      expect((await harness.chat()).status).toBe(200);
    });
  }
});
