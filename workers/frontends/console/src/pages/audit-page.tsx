/** Who changed what, and who was not let in: a chain that can be verified. The tenant's, or the operator's. */
import { Button, Group, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { AuditEntry } from '../../../../../shared/contracts/audit.ts';
import { useApi, useApiList } from '../api/queries.ts';
import { ChainState } from '../parts/chain-state.tsx';
import { ListTable } from '../parts/data-table.tsx';
import { toWords } from '../parts/format.ts';
import { Page } from '../parts/page.tsx';
import { Empty } from '../parts/states.tsx';
import { useNames } from '../parts/use-names.ts';
import { Age, Json, Status } from '../parts/values.tsx';

type Filter = { readonly action?: string };

export function TenantAuditPage() {
  const [filter, setFilter] = useState<Filter>({});
  const verification = useApi('GET /v1/audit/verify');
  return (
    <Trail list={useApiList('GET /v1/audit', { query: filter })} verification={verification} onFilter={setFilter} />
  );
}

export function OperatorAuditPage() {
  const [filter, setFilter] = useState<Filter>({});
  const verification = useApi('GET /operator/v1/audit/verify');
  return (
    <Trail
      list={useApiList('GET /operator/v1/audit', { query: filter })}
      verification={verification}
      onFilter={setFilter}
    />
  );
}

type Props = {
  readonly list: Parameters<typeof ListTable<AuditEntry>>[0]['list'];
  readonly verification: Parameters<typeof ChainState>[0]['reading'];
  readonly onFilter: (filter: Filter) => void;
};

function Trail({ list, verification, onFilter }: Props) {
  const [action, setAction] = useState('');
  const [opened, setOpened] = useState<number>();
  const nameOf = useNames();
  return (
    <Page
      title="Audit trail"
      about="Each entry holds the hash of the one before it: what was written cannot be changed unseen."
    >
      <ChainState reading={verification} />
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onFilter(action.trim() === '' ? {} : { action: action.trim() });
        }}
      >
        <Group gap="xs" wrap="nowrap">
          <TextInput
            aria-label="Action"
            placeholder="key.* or agent.published"
            value={action}
            onChange={(event) => setAction(event.currentTarget.value)}
            flex="0 1 280px"
          />
          <Button type="submit" variant="default" flex="none">
            Filter
          </Button>
        </Group>
      </form>
      <ListTable
        label="Audit trail"
        list={list}
        rowKey={({ sequence }) => String(sequence)}
        columns={[
          { name: '#', cell: ({ sequence }) => sequence },
          {
            name: 'Action',
            cell: ({ sequence, action: done, details }) => (
              <>
                <button
                  type="button"
                  className="fh-row-button"
                  aria-expanded={opened === sequence}
                  onClick={() => setOpened(opened === sequence ? undefined : sequence)}
                >
                  {done}
                </button>
                {opened === sequence && <Json value={details} label={`Details of entry ${sequence}`} />}
              </>
            ),
          },
          {
            name: 'By',
            cell: ({ actor: { kind, id } }) => (kind === id ? toWords(kind) : `${toWords(kind)} ${nameOf(id)}`),
          },
          { name: 'On', cell: ({ target }) => (target === null ? '–' : nameOf(target)) },
          { name: 'Outcome', cell: ({ outcome }) => <Status value={outcome} /> },
          { name: 'When', cell: ({ time }) => <Age at={time} />, align: 'right' },
        ]}
        empty={<Empty icon="audit" title="No entry of this kind" />}
      />
    </Page>
  );
}
