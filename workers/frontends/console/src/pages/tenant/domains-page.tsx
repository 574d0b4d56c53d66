/** Names of the tenant's own in front of the platform, and how to prove that they are. */
import { Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import type { Domain } from '../../../../../../shared/contracts/domains.ts';
import { useApiList, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Empty, FailureAlert, Loading } from '../../parts/states.tsx';
import { Age, CopyField, Facts, Status } from '../../parts/values.tsx';

const stale = ['/v1/domains'];

export function DomainsPage() {
  const [isAdding, setAdding] = useState(false);
  const domains = useApiList('GET /v1/domains', {}, { refetchInterval: 5_000 });
  const create = useChange('POST /v1/domains', stale);
  const add = (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setAdding(true)}>
      Add a domain
    </Button>
  );
  return (
    <Page
      title="Domains"
      about="Chat, API and console answer at your own name once it is proven to be yours."
      actions={add}
    >
      {domains.error && <FailureAlert error={domains.error} retry={domains.refetch} />}
      {!domains.rows && !domains.error && <Loading />}
      {domains.rows?.length === 0 && (
        <Empty icon="globe" title="No domains of your own yet" action={add}>
          Add a name such as agents.example.com, then set one DNS record or serve one small file.
        </Empty>
      )}
      {domains.rows?.map((domain) => (
        <DomainPanel key={domain.id} domain={domain} />
      ))}
      {isAdding && (
        <FormDialog
          title="Add a domain"
          fields={[
            { name: 'hostname', label: 'Name', kind: 'text', required: true, placeholder: 'agents.example.com' },
          ]}
          initial={{ hostname: '' }}
          submitLabel="Add"
          onSubmit={(body) => create.mutateAsync({ body })}
          onClose={() => setAdding(false)}
        />
      )}
    </Page>
  );
}

function DomainPanel({ domain }: { readonly domain: Domain }) {
  const params = { domain: domain.id };
  const verify = useChange('POST /v1/domains/{domain}/verify', stale);
  const remove = useChange('DELETE /v1/domains/{domain}', stale);
  const { dns, http } = domain.challenge;
  return (
    <Panel
      title={domain.hostname}
      actions={
        <Group gap="xs">
          {domain.status !== 'active' && (
            <Button size="xs" loading={verify.isPending} onClick={() => verify.mutate({ params })}>
              Check now
            </Button>
          )}
          <ConfirmButton
            label="Remove"
            title={`Remove ${domain.hostname}?`}
            onConfirm={() => remove.mutateAsync({ params })}
          >
            The platform no longer answers at this name.
          </ConfirmButton>
        </Group>
      }
    >
      <Stack>
        {verify.error && <FailureAlert error={verify.error} />}
        <Facts
          of={[
            ['Status', <Status key="status" value={domain.status} />],
            ['Checked', <Age key="checked" at={domain.checked_at} />],
            ['Next check', <Age key="next" at={domain.next_check_at} none="Not planned" />],
            ['Found', domain.reason ?? 'As it should be'],
          ]}
        />
        {domain.status !== 'active' && (
          <>
            <Text size="sm">Prove that it is yours with one of these, and leave it in place:</Text>
            <div className="fh-halves">
              <Stack gap="xs">
                <CopyField label="DNS record of type TXT" value={dns.name} />
                <CopyField label="With the value" value={dns.value} />
              </Stack>
              <Stack gap="xs">
                <CopyField label="Or a file at" value={http.url} />
                <CopyField label="That says" value={http.body} />
              </Stack>
            </div>
          </>
        )}
      </Stack>
    </Panel>
  );
}
