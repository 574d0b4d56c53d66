/** A table of a list's rows; on a narrow screen every row is a card whose cells carry the names of their columns. */
import { Button, Table } from '@mantine/core';
import type { ReactNode } from 'react';
import type { useApiList } from '../api/queries.ts';
import { FailureAlert, Loading } from './states.tsx';

type Column<T> = {
  readonly name: string;
  readonly cell: (row: T) => ReactNode;
  readonly align?: 'right';
};

type Props<T> = {
  readonly label: string;
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly rowKey: (row: T) => string;
};

export function DataTable<T>({ label, rows, columns, rowKey }: Props<T>) {
  return (
    <Table className="fh-table" verticalSpacing="sm" horizontalSpacing="md" aria-label={label}>
      <Table.Thead>
        <Table.Tr>
          {columns.map(({ name, align }) => (
            <Table.Th key={name} ta={align ?? 'left'} scope="col">
              {name === '' ? <span className="fh-unseen">Actions</span> : name}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map((row) => (
          <Table.Tr key={rowKey(row)}>
            {columns.map(({ name, cell, align }) => (
              <Table.Td key={name} data-name={name} ta={align ?? 'left'}>
                <div>{cell(row)}</div>
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

type ListProps<T> = Omit<Props<T>, 'rows'> & {
  readonly list: Pick<ReturnType<typeof useApiList>, 'error' | 'refetch' | 'more' | 'isLoadingMore'> & {
    readonly rows: readonly T[] | undefined;
  };
  /** What a newcomer sees instead of an empty table. */
  readonly empty: ReactNode;
};

/** A list of the API, page after page. */
export function ListTable<T>({ list, empty, ...table }: ListProps<T>) {
  if (list.rows === undefined) {
    return list.error ? <FailureAlert error={list.error} retry={list.refetch} /> : <Loading />;
  }
  if (list.rows.length === 0) return empty;
  return (
    <>
      <div className="fh-panel fh-flush">
        <DataTable {...table} rows={list.rows} />
      </div>
      {list.more && (
        <Button variant="default" onClick={list.more} loading={list.isLoadingMore} mx="auto">
          Show more
        </Button>
      )}
    </>
  );
}
