import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Journal, type JournalOptions, type RunRecord } from '../../../gpu-bridge/journal.ts';
import { receipt as receiptContract, type Receipt } from '../../../shared/contracts/inference.ts';
import { silentLogger } from '../../../shared/core/log.ts';
import { makeTempDir } from '../../support/bridge-harness.ts';

const Now = 1_800_000_000_000;
const run = (id: string, partial: Partial<RunRecord> = {}): RunRecord => ({
  run: id,
  tenant: 'tnt_1',
  operation: 'chat',
  model: 'tiny',
  started_at: Now,
  ticket: 'ticket',
  exp: Now / 1000 + 60,
  ...partial,
});
const receipt = (id: string, partial: Partial<Receipt> = {}): Receipt => ({
  id: `rcp_${id}`,
  run: id,
  tenant: 'tnt_1',
  bridge: 'brg_1',
  node: 'fake',
  node_kind: 'vllm',
  external: false,
  operation: 'chat',
  model: 'tiny',
  input_tokens: 1,
  cached_input_tokens: 0,
  output_tokens: 2,
  counted_by: 'node',
  outcome: 'completed',
  started_at: Now,
  finished_at: Now,
  ticket: 'ticket',
  ...partial,
});

function optionsFor(path: string, partial: Partial<JournalOptions> = {}): JournalOptions {
  return {
    path,
    bridgeId: 'brg_1',
    clock: { now: () => Now },
    log: silentLogger,
    syncEveryWrite: false,
    compactAtBytes: 1e6,
    ...partial,
  };
}
/** A journal that is left behind as a killed process leaves it; its file is closed after the test. */
async function openJournal(path: string, partial: Partial<JournalOptions> = {}): Promise<Journal> {
  const journal = await Journal.open(optionsFor(path, partial));
  onTestFinished(() => journal.close());
  return journal;
}
const makePath = () => join(makeTempDir(), 'journal.ndjson');
const idsOf = (journal: Journal) => journal.unacked.map((each) => each.id);

describe('the journal', () => {
  it('keeps a receipt over a restart until it is acknowledged, and not after', async () => {
    const path = makePath();
    const first = await openJournal(path);
    await Promise.all([first.begin(run('a')), first.begin(run('b'))]);
    await Promise.all([first.settle(receipt('a')), first.settle(receipt('b'))]);
    await first.acknowledge(['rcp_a']);
    // No close: the process was killed.
    const second = await openJournal(path);
    expect(idsOf(second)).toEqual(['rcp_b']);
    await second.acknowledge(['rcp_b']);
    expect(idsOf(await openJournal(path))).toEqual([]);
  });

  it('makes one receipt, with the outcome interrupted, of a run that was killed, and the same one at every restart', async () => {
    const path = makePath();
    await (await openJournal(path)).begin(run('a'));
    const [made] = (await openJournal(path)).unacked;
    expect(receiptContract.parse(made)).toMatchObject({
      run: 'a',
      tenant: 'tnt_1',
      outcome: 'interrupted',
      output_tokens: 0,
    });
    expect((await openJournal(path)).unacked).toEqual([made]);
  });

  it('bills a run that was killed for what it had produced when that was last noted, also after a compaction', async () => {
    const path = makePath();
    const first = await openJournal(path, { compactAtBytes: 2000 });
    const progress = { run: 'a', node: 'n', node_kind: 'vllm', external: false, input_tokens: 7, output_tokens: 0 };
    await first.begin(run('a'));
    for (let count = 1; count <= 50; count++) await first.note([{ ...progress, output_tokens: count }]);
    await first.note([{ ...progress, run: 'unknown' }]);
    const { unacked } = await openJournal(path);
    expect(unacked).toHaveLength(1);
    expect(unacked[0]).toMatchObject({
      run: 'a',
      node: 'n',
      input_tokens: 7,
      output_tokens: 50,
      outcome: 'interrupted',
    });
  });

  it('tolerates a torn last line, and writes on behind it', async () => {
    const path = makePath();
    const first = await openJournal(path);
    await first.settle(receipt('a'));
    appendFileSync(path, '{"t":"receipt","receipt":{"id":"rcp_torn"');
    const second = await openJournal(path);
    await second.settle(receipt('b'));
    expect(idsOf(await openJournal(path))).toEqual(['rcp_a', 'rcp_b']);
  });

  it('passes over a line that it cannot read, and keeps all others', async () => {
    const path = makePath();
    const lines = [receipt('a'), receipt('b')].map((each) => JSON.stringify({ t: 'receipt', receipt: each }));
    writeFileSync(path, `${lines[0]}\n{"t":"rec\0\0\n${lines[1]}\n`);
    expect(idsOf(await openJournal(path))).toEqual(['rcp_a', 'rcp_b']);
  });

  it('holds one receipt a run, however often one was written', async () => {
    const path = makePath();
    const journal = await openJournal(path);
    await journal.begin(run('a'));
    await journal.settle(receipt('a'));
    await journal.settle(receipt('a', { id: 'rcp_other' }));
    expect(idsOf(journal)).toEqual(['rcp_a']);
    expect(idsOf(await openJournal(path))).toEqual(['rcp_a']);
  });

  it('remembers over a restart which tokens were used, as long as they live', async () => {
    const path = makePath();
    const first = await openJournal(path);
    await first.begin(run('a'));
    await first.begin(run('old', { exp: Now / 1000 - 600 }));
    await first.settle(receipt('a'));
    await first.settle(receipt('old'));
    await first.acknowledge(['rcp_a', 'rcp_old']);
    const second = await openJournal(path);
    expect(second.usedTokens.map(([id]) => id)).toContain('a');
    expect((await openJournal(path)).usedTokens.map(([id]) => id)).toEqual(['a']);
  });

  it('stays small when everything is acknowledged, and loses nothing that is not', async () => {
    const path = makePath();
    const journal = await openJournal(path, { compactAtBytes: 20_000 });
    const expired = { exp: Now / 1000 - 600 };
    await journal.begin(run('open'));
    const progress = { node: 'n', node_kind: 'vllm', external: true, input_tokens: 7, output_tokens: 9 };
    await journal.note([{ run: 'open', ...progress }]);
    await journal.settle(receipt('kept'));
    for (let count = 0; count < 500; count++) {
      await journal.begin(run(`r${count}`, expired));
      await journal.settle(receipt(`r${count}`));
      await journal.acknowledge([`rcp_r${count}`]);
    }
    expect(statSync(path).size).toBeLessThan(30_000);
    const reopened = await openJournal(path);
    expect(reopened.unacked.map((each) => [each.run, each.outcome])).toEqual([
      ['kept', 'completed'],
      ['open', 'interrupted'],
    ]);
    expect(reopened.unacked[1]).toMatchObject(progress);
  });

  it('is readable by its owner only', async () => {
    const path = makePath();
    await openJournal(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('cut at any byte and opened again has exactly the receipts that were whole, each once, and every begun run', async () => {
    const path = makePath();
    const journal = await openJournal(path);
    const runs = ['a', 'b', 'c', 'd', 'e'];
    for (const id of runs) {
      await journal.begin(run(id));
      if (id !== 'd') await journal.settle(receipt(id));
      if (id === 'b') await journal.acknowledge(['rcp_a', 'rcp_b']);
    }
    const whole = readFileSync(path);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), async (size) => {
        writeFileSync(path, whole);
        truncateSync(path, size);
        const written = whole
          .subarray(0, size)
          .toString()
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Line);
        const acked = new Set(written.flatMap((line) => line.ids ?? []));
        const receipts = written.flatMap((line) => line.receipt ?? []);
        const begun = written.flatMap((line) => (line.t === 'open' ? [line.run!.run] : []));
        const expected = begun.filter((id) => !acked.has(`rcp_${id}`)).sort();
        const outcome = (id: string) => (receipts.some((each) => each.run === id) ? 'completed' : 'interrupted');
        const opened = await Journal.open(optionsFor(path));
        const found = opened.unacked.map((each) => [each.run, each.outcome]).sort();
        await opened.close();
        expect(found).toEqual(expected.map((id) => [id, outcome(id)]));
      }),
      { numRuns: 60 },
    );
  });
});

type Line = { t: string; ids?: string[]; receipt?: Receipt; run?: RunRecord };
