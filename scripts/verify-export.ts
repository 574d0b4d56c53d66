/**
 * What the offline verifiers of chained exports share: one command line. Exit code
 * 0: every entry is as it was written, none is missing. 1: the first bad line is named. 2: no such file. `--head`: a head
 * that was noted before; it has to be in the chain, which no rewritten export can achieve.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

export type ExportVerification =
  | { readonly valid: true; readonly entries: number; readonly head: string }
  | { readonly valid: false; readonly line: number; readonly reason: string };

export type ExportLines = AsyncIterable<string> | Iterable<string>;

/** Returns the exit code. */
export async function runVerifier(
  script: string,
  verify: (lines: ExportLines, notedHead?: string) => Promise<ExportVerification>,
): Promise<number> {
  const { values, positionals } = parseArgs({ options: { head: { type: 'string' } }, allowPositionals: true });
  const file = positionals[0];
  if (file === undefined) {
    console.error(`usage: node scripts/${script}.ts export.jsonl [--head <hash>]`);
    return 2;
  }
  try {
    const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY });
    const result = await verify(lines, values.head);
    if (result.valid) console.log(`valid: ${result.entries} entries, head ${result.head}`);
    else console.error(`${file}:${result.line}: ${result.reason}`);
    return result.valid ? 0 : 1;
  } catch (error) {
    console.error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
}
