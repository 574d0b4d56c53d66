/**
 * The append-only file that holds what the platform must still hear of: runs that were begun and how far they have come, receipts that no
 * acknowledgement has settled, and the tokens that may not be used again. Writes are grouped: what comes while one is
 * under way goes out with the next, and a promise resolves when its record is in the file. On opening, a torn last line
 * is cut off and every run that has no receipt gets one with the outcome `interrupted`.
 */
import { z } from 'zod';
import { receipt, type Receipt } from '../shared/contracts/inference.ts';
import type { Clock } from '../shared/core/clock.ts';
import { mintId } from '../shared/core/ids.ts';
import { describeError, type Logger } from '../shared/core/log.ts';
import { JournalFile } from './journal-file.ts';
import { parseJson } from './json-object.ts';
import { NoNode } from './nodes/node.ts';

const runRecord = receipt
  .pick({ run: true, tenant: true, operation: true, model: true, started_at: true, ticket: true })
  .extend({
    /** When the run's token expires, in Unix seconds. */
    exp: z.number().int(),
  });
export type RunRecord = z.infer<typeof runRecord>;

const runProgress = receipt.pick({
  run: true,
  node: true,
  node_kind: true,
  external: true,
  input_tokens: true,
  output_tokens: true,
});
/** What a running job has produced so far: what is billed if the process dies. */
export type RunProgress = z.infer<typeof runProgress>;

const journalRecord = z.discriminatedUnion('t', [
  z.object({ t: z.literal('open'), run: runRecord }),
  z.object({ t: z.literal('receipt'), receipt }),
  z.object({ t: z.literal('progress'), runs: z.array(runProgress) }),
  z.object({ t: z.literal('ack'), ids: z.array(z.string()) }),
  z.object({ t: z.literal('seen'), run: z.string(), exp: z.number().int() }),
]);
type JournalRecord = z.infer<typeof journalRecord>;

export type JournalOptions = {
  readonly path: string;
  readonly bridgeId: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Force every group to the disk before it counts as written; without it a crash of the machine may lose the last. */
  readonly syncEveryWrite: boolean;
  /** The file is rewritten when it is larger than this and mostly settled. */
  readonly compactAtBytes: number;
  /** What its file is opened by. */
  readonly openFile?: typeof JournalFile.open;
};

type Waiting = { readonly line: string; readonly resolve: () => void; readonly reject: (error: unknown) => void };

export class Journal {
  readonly #options: JournalOptions;
  readonly #file: JournalFile;
  #compactAt: number;
  readonly #open = new Map<string, RunRecord>();
  readonly #progress = new Map<string, RunProgress>();
  readonly #unacked = new Map<string, Receipt>();
  readonly #receiptRuns = new Set<string>();
  readonly #seen = new Map<string, number>();
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  private constructor(options: JournalOptions, file: JournalFile) {
    this.#options = options;
    this.#file = file;
    this.#compactAt = options.compactAtBytes;
  }

  static async open(options: JournalOptions): Promise<Journal> {
    const { path, syncEveryWrite, openFile = (...args) => JournalFile.open(...args) } = options;
    const file = await openFile(path, syncEveryWrite);
    const journal = new Journal(options, file);
    await journal.#replay();
    await journal.#compact();
    return journal;
  }

  /** Receipts that wait for their acknowledgement. */
  get unacked(): readonly Receipt[] {
    return [...this.#unacked.values()];
  }

  /** Tokens that were used and may still be valid: run and expiry in Unix seconds. */
  get usedTokens(): readonly (readonly [string, number])[] {
    return [...this.#seen];
  }

  async begin(run: RunRecord): Promise<void> {
    this.#apply({ t: 'open', run });
    await this.#append({ t: 'open', run });
  }

  async note(runs: readonly RunProgress[]): Promise<void> {
    const record: JournalRecord = { t: 'progress', runs: runs.filter(({ run }) => this.#open.has(run)) };
    if (record.runs.length === 0) return;
    this.#apply(record);
    await this.#append(record);
  }

  async settle(of: Receipt): Promise<void> {
    this.#apply({ t: 'receipt', receipt: of });
    await this.#append({ t: 'receipt', receipt: of });
  }

  async acknowledge(ids: readonly string[]): Promise<void> {
    const record: JournalRecord = { t: 'ack', ids: [...ids] };
    this.#apply(record);
    await this.#append(record);
  }

  async close(): Promise<void> {
    while (this.#writing) await this.#writing;
    await this.#file.close();
  }

  #apply(record: JournalRecord): void {
    if (record.t === 'open') {
      this.#seen.set(record.run.run, record.run.exp);
      if (!this.#receiptRuns.has(record.run.run)) this.#open.set(record.run.run, record.run);
    } else if (record.t === 'receipt') {
      const { run, id } = record.receipt;
      this.#open.delete(run);
      this.#progress.delete(run);
      if (this.#receiptRuns.has(run)) return;
      this.#receiptRuns.add(run);
      this.#unacked.set(id, record.receipt);
    } else if (record.t === 'progress') {
      for (const each of record.runs) if (this.#open.has(each.run)) this.#progress.set(each.run, each);
    } else if (record.t === 'ack') {
      for (const id of record.ids) this.#forget(id);
    } else {
      this.#seen.set(record.run, record.exp);
    }
  }

  /** A settled run needs no second receipt's guard once its token is dead: nothing can begin it again. */
  #forget(id: string): void {
    const run = this.#unacked.get(id)?.run;
    this.#unacked.delete(id);
    if (run !== undefined && !this.#seen.has(run)) this.#receiptRuns.delete(run);
  }

  async #replay(): Promise<void> {
    let unreadable = 0;
    const lines = await this.#file.readLines((bytes) => this.#options.log.error('journal.torn', { bytes }));
    for (const line of lines) {
      if (line === '') continue;
      const record = journalRecord.safeParse(parseJson(line)?.value);
      if (record.success) this.#apply(record.data);
      else unreadable++;
    }
    if (unreadable > 0) this.#options.log.error('journal.unreadable', { lines: unreadable });
    for (const run of this.#open.values()) await this.settle(this.#interrupt(run));
  }

  #interrupt(run: RunRecord): Receipt {
    const now = this.#options.clock.now();
    return {
      id: mintId('receipt', now),
      run: run.run,
      tenant: run.tenant,
      bridge: this.#options.bridgeId,
      node: NoNode,
      node_kind: NoNode,
      external: false,
      operation: run.operation,
      model: run.model,
      input_tokens: 0,
      cached_input_tokens: 0,
      output_tokens: 0,
      ...this.#progress.get(run.run),
      counted_by: 'bridge',
      outcome: 'interrupted',
      started_at: run.started_at,
      finished_at: now,
      ticket: run.ticket,
    };
  }

  #append(record: JournalRecord): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ line: `${JSON.stringify(record)}\n`, resolve, reject });
    this.#writing ??= this.#writeAll();
    return promise;
  }

  async #writeAll(): Promise<void> {
    await undefined;
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#file.append(group.map((each) => each.line).join(''));
        for (const each of group) each.resolve();
        if (this.#file.size > this.#compactAt) await this.#compact();
      } catch (error) {
        this.#options.log.error('journal.write_failed', { error: describeError(error) });
        for (const each of group) each.reject(error);
      }
    }
    this.#writing = undefined;
  }

  /** Rewrites the file with what still matters, if that is less than half of it. */
  async #compact(): Promise<void> {
    const nowSeconds = this.#options.clock.now() / 1000 - 60;
    for (const [run, exp] of this.#seen) {
      if (exp >= nowSeconds || this.#open.has(run)) continue;
      this.#seen.delete(run);
    }
    const unackedRuns = new Set([...this.#unacked.values()].map((each) => each.run));
    for (const run of this.#receiptRuns) {
      if (!this.#seen.has(run) && !unackedRuns.has(run)) this.#receiptRuns.delete(run);
    }
    const records: JournalRecord[] = [
      ...[...this.#seen].map(([run, exp]) => ({ t: 'seen' as const, run, exp })),
      ...[...this.#open.values()].map((run) => ({ t: 'open' as const, run })),
      ...(this.#progress.size > 0 ? [{ t: 'progress' as const, runs: [...this.#progress.values()] }] : []),
      ...[...this.#unacked.values()].map((each) => ({ t: 'receipt' as const, receipt: each })),
    ];
    const text = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    this.#compactAt = Math.max(this.#options.compactAtBytes, Buffer.byteLength(text) * 4);
    if (Buffer.byteLength(text) * 2 <= this.#file.size) await this.#file.replace(text);
  }
}
