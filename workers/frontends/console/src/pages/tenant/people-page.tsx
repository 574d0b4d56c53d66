/** Who may sign in: the people of the tenant, and the identity providers that vouch for them. */
import { Button, Group, Select, Stack } from '@mantine/core';
import { useState } from 'react';
import type { Role } from '../../../../../../shared/contracts/roles.ts';
import { useApi, useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ListTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { toWords } from '../../parts/format.ts';
import { Page } from '../../parts/page.tsx';
import { PageTabs } from '../../parts/page-tabs.tsx';
import { Empty, FailureAlert } from '../../parts/states.tsx';
import { Age, Status } from '../../parts/values.tsx';
import { Issuers } from './issuers.tsx';

const stale = ['/v1/members'];
const roleOptions = ['owner', 'admin', 'developer', 'viewer', 'billing'].map((value) => ({
  value,
  label: toWords(value),
}));

export function PeoplePage() {
  return (
    <Page title="People" about="A member is known by an identity provider of yours; the role says what they may do.">
      <PageTabs
        tabs={[
          { value: 'members', label: 'Members', content: <Members /> },
          { value: 'issuers', label: 'Identity providers', content: <Issuers /> },
        ]}
      />
    </Page>
  );
}

function Members() {
  const [isAdding, setAdding] = useState(false);
  const members = useApiList('GET /v1/members');
  const issuers = useApi('GET /v1/issuers', { query: { limit: 100 } });
  const update = useChange('PATCH /v1/members/{member}', stale);
  const remove = useChange('DELETE /v1/members/{member}', stale);
  const issuerOf = (id: string) => issuers.data?.data.find((issuer) => issuer.id === id)?.issuer ?? id;
  const add = <Button onClick={() => setAdding(true)}>Add a member</Button>;
  return (
    <Stack>
      <Group justify="flex-end">{add}</Group>
      {update.error && <FailureAlert error={update.error} />}
      <ListTable
        label="Members"
        list={members}
        rowKey={({ id }) => id}
        columns={[
          { name: 'Who', cell: ({ email, subject }) => email ?? subject },
          { name: 'Known by', cell: ({ issuer }) => issuerOf(issuer) },
          {
            name: 'Role',
            cell: ({ id, role, email, subject }) => (
              <Select
                size="xs"
                w={130}
                aria-label={`Role of ${email ?? subject}`}
                data={roleOptions}
                value={role}
                onChange={(next) =>
                  next !== null && update.mutate({ params: { member: id }, body: { role: next as Role } })
                }
                allowDeselect={false}
              />
            ),
          },
          { name: 'Status', cell: ({ status }) => <Status value={status} /> },
          { name: 'Since', cell: ({ created_at }) => <Age at={created_at} /> },
          {
            name: '',
            align: 'right',
            cell: ({ id, status, email, subject }) => (
              <Group gap="xs" justify="flex-end" wrap="nowrap">
                {status !== 'invited' && (
                  <Button
                    size="xs"
                    variant="default"
                    onClick={() =>
                      update.mutate({
                        params: { member: id },
                        body: { status: status === 'active' ? 'suspended' : 'active' },
                      })
                    }
                  >
                    {status === 'active' ? 'Suspend' : 'Let in again'}
                  </Button>
                )}
                <ConfirmButton
                  label="Remove"
                  title={`Remove ${email ?? subject}?`}
                  onConfirm={() => remove.mutateAsync({ params: { member: id } })}
                >
                  Their tokens are refused from now on, unless a rule of the identity provider gives them a role.
                </ConfirmButton>
              </Group>
            ),
          },
        ]}
        empty={
          <Empty icon="people" title="No members yet" action={add}>
            Register your identity provider first, then name the people and their roles here.
          </Empty>
        }
      />
      {isAdding && <NewMember issuers={issuers.data?.data ?? []} onClose={() => setAdding(false)} />}
    </Stack>
  );
}

type NewMemberProps = {
  readonly issuers: readonly { readonly id: string; readonly issuer: string }[];
  readonly onClose: () => void;
};

function NewMember({ issuers, onClose }: NewMemberProps) {
  const create = useChange('POST /v1/members', stale);
  return (
    <FormDialog
      title="Add a member"
      about={issuers.length === 0 ? 'Register an identity provider first: it says who somebody is.' : undefined}
      fields={[
        {
          name: 'issuer',
          label: 'Identity provider',
          kind: 'select',
          required: true,
          options: issuers.map(({ id, issuer }) => ({ value: id, label: issuer })),
        },
        {
          name: 'email',
          label: 'E-mail address',
          kind: 'text',
          about: 'The first token with it, verified, makes them the member.',
        },
        { name: 'subject', label: 'Or the subject of their tokens', kind: 'text' },
        { name: 'role', label: 'Role', kind: 'select', required: true, options: roleOptions },
      ]}
      initial={{ issuer: issuers[0]?.id ?? '', email: '', subject: '', role: 'viewer' as Role }}
      submitLabel="Add"
      onSubmit={({ issuer, email, subject, role }) =>
        create.mutateAsync({
          body: { issuer, role, ...(email !== '' && { email }), ...(subject !== '' && { subject }) },
        })
      }
      onClose={onClose}
    />
  );
}
