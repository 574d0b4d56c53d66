/** Calls of tools that wait for somebody's word, and tools of remote servers that are held until they were read. */
import { Button, Group, SegmentedControl, Stack } from '@mantine/core';
import { useState } from 'react';
import type { ApprovalObject } from '../../../../../../shared/contracts/approvals.ts';
import { useApiList, useChange } from '../../api/queries.ts';
import { ListTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Page } from '../../parts/page.tsx';
import { PageTabs } from '../../parts/page-tabs.tsx';
import { Empty } from '../../parts/states.tsx';
import { Age, Json, Status } from '../../parts/values.tsx';
import { HeldTools } from './held-tools.tsx';

const LiveMs = 2_000;

export function ApprovalsPage() {
  return (
    <Page title="Approvals" about="An approval holds for exactly the arguments that are shown, for one call, once.">
      <PageTabs
        tabs={[
          { value: 'calls', label: 'Calls', content: <Calls /> },
          { value: 'tools', label: 'Remote tools', content: <HeldTools /> },
        ]}
      />
    </Page>
  );
}

function Calls() {
  const [which, setWhich] = useState<'pending' | 'all'>('pending');
  const [deciding, setDeciding] = useState<{ readonly approval: ApprovalObject; readonly how: 'approve' | 'deny' }>();
  const query = which === 'pending' ? { status: 'pending' } : {};
  const approvals = useApiList('GET /v1/approvals', { query }, { refetchInterval: LiveMs });
  return (
    <Stack>
      <Group>
        <SegmentedControl
          aria-label="Which"
          value={which}
          onChange={(next) => setWhich(next as 'pending' | 'all')}
          data={[
            { value: 'pending', label: 'Waiting' },
            { value: 'all', label: 'All' },
          ]}
        />
      </Group>
      <ListTable
        label="Approvals"
        list={approvals}
        rowKey={({ id }) => id}
        columns={[
          { name: 'Tool', cell: ({ tool, server_label }) => `${server_label} · ${tool}` },
          { name: 'Arguments', cell: (row) => <Json value={row.arguments} label={`Arguments of ${row.tool}`} /> },
          { name: 'Asked by', cell: ({ requested_by }) => requested_by.kind },
          { name: 'Status', cell: ({ status }) => <Status value={status} /> },
          { name: 'Ends', cell: ({ expires_at }) => <Age at={expires_at} /> },
          {
            name: '',
            align: 'right',
            cell: (approval) =>
              approval.status === 'pending' && (
                <Group gap="xs" justify="flex-end" wrap="nowrap">
                  <Button size="xs" variant="default" onClick={() => setDeciding({ approval, how: 'deny' })}>
                    Deny
                  </Button>
                  <Button size="xs" onClick={() => setDeciding({ approval, how: 'approve' })}>
                    Approve
                  </Button>
                </Group>
              ),
          },
        ]}
        empty={
          <Empty icon="approve" title={which === 'pending' ? 'Nothing waits for you' : 'Nothing was asked yet'}>
            A tool whose definition says approval: always, or names a condition, waits here until somebody decides.
          </Empty>
        }
      />
      {deciding && <Decide {...deciding} onClose={() => setDeciding(undefined)} />}
    </Stack>
  );
}

type DecideProps = {
  readonly approval: ApprovalObject;
  readonly how: 'approve' | 'deny';
  readonly onClose: () => void;
};

function Decide({ approval, how, onClose }: DecideProps) {
  const approve = useChange('POST /v1/approvals/{approval}/approve', ['/v1/approvals']);
  const deny = useChange('POST /v1/approvals/{approval}/deny', ['/v1/approvals']);
  const decide = how === 'approve' ? approve : deny;
  return (
    <FormDialog
      title={`${how === 'approve' ? 'Approve' : 'Deny'} ${approval.tool}?`}
      about={<Json value={approval.arguments} label="Arguments" />}
      fields={[{ name: 'reason', label: 'Reason', kind: 'text', about: 'Kept in the audit trail.' }]}
      initial={{ reason: '' }}
      submitLabel={how === 'approve' ? 'Approve' : 'Deny'}
      isDangerous={how === 'deny'}
      onSubmit={({ reason }) =>
        decide.mutateAsync({ params: { approval: approval.id }, body: reason === '' ? {} : { reason } })
      }
      onClose={onClose}
    />
  );
}
