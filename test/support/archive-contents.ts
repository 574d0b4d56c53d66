/** What an archive says of its tenant, so that two archives can be compared. */

export type Line = {
  readonly object: string;
  readonly holder: string;
  readonly part: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly cursor: string;
  readonly chain: string;
};

export const linesOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** A custom hostname is checked again and again, wherever its tenant is. */
const ownTimes = new Set(['attempts', 'checked_at', 'next_check_at', 'reason']);

/** What a living tenant goes on counting, between two exports too. */
const counted = new Set(['telemetry', 'telemetry_callers', 'telemetry_push', 'telemetry_tallies']);

/** Every row by its table, as of the first archive: without what an export and an import themselves add to its trail. */
export function contentsOf(text: string, first: string): string[] {
  const entries = linesOf(first).find((line) => line.table === 'audit_head')!.rows[0]![1] as number;
  return linesOf(text)
    .filter(({ object, table }) => object === 'archive.rows' && table !== 'audit_head' && !counted.has(table))
    .flatMap(({ holder, part, table, columns, rows }) =>
      rows
        .filter((row) => table !== 'audit' || (row[columns.indexOf('sequence')] as number) <= entries)
        .map((row) => {
          const cells = columns
            .map((column, at) => [column, row[at]] as const)
            .filter(([column]) => !(table === 'domains' && ownTimes.has(column)))
            .sort(([a], [b]) => (a < b ? -1 : 1));
          return JSON.stringify([holder, part, table, cells]);
        }),
    )
    .sort();
}
