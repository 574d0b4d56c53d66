/** One tenant, as its operator sees it. */
import { Alert, Button, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { TenantDeletion } from '../../../../../../shared/contracts/deletions.ts';
import type { Tenant } from '../../../../../../shared/contracts/tenants.ts';
import { useApi, useChange } from '../../api/queries.ts';
import { ArchiveDialog } from '../../parts/archive-dialog.tsx';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { formatTime } from '../../parts/format.ts';
import { Page, Panel } from '../../parts/page.tsx';
import { SecretDialog } from '../../parts/secret-dialog.tsx';
import { FailureAlert, Loaded } from '../../parts/states.tsx';
import { CopyField, Facts, Id, Json, Status } from '../../parts/values.tsx';
import { DeletionDialog } from './deletion-dialog.tsx';

const stale = ['/operator/v1/tenants'];

export function TenantPage() {
  const { tenant: id = '' } = useParams({ strict: false });
  const reading = useApi('GET /operator/v1/tenants/{tenant}', { params: { tenant: id } });
  const plans = useApi('GET /operator/v1/plans', { query: { limit: 100 } });
  return (
    <Page title={reading.data?.name ?? 'Tenant'} actions={reading.data && <Actions tenant={reading.data} />}>
      <Loaded reading={reading}>
        {(tenant) => (
          <>
            {tenant.status === 'suspended' && (
              <Alert role="status" variant="default" className="fh-alert fh-alert-warn" title="It is suspended">
                Its keys are refused and its webhooks wait. Nothing of it is lost.
              </Alert>
            )}
            <Panel>
              <Facts
                of={[
                  ['Status', <Status key="status" value={tenant.status} />],
                  ['Plan', plans.data?.data.find(({ id: each }) => each === tenant.plan)?.name ?? tenant.plan],
                  ['Region', tenant.region ?? 'Anywhere'],
                  ['Created', formatTime(tenant.created_at)],
                  ['Id', <Id key="id" value={tenant.id} />],
                ]}
              />
            </Panel>
            <Panel title="Addresses">
              <div className="fh-halves">
                <CopyField label="Chat" value={tenant.url} />
                <CopyField label="Console" value={`${tenant.url.replace(/\/$/, '')}/console`} />
              </div>
            </Panel>
            <Panel title="Where it departs from its plan">
              {isPlain(tenant) ? (
                <Text size="sm" c="dimmed">
                  Nowhere: what its plan says holds.
                </Text>
              ) : (
                <Json value={tenant.overrides} label="Overrides" />
              )}
            </Panel>
          </>
        )}
      </Loaded>
    </Page>
  );
}

const isPlain = ({ overrides }: Tenant): boolean =>
  Object.values(overrides).every((of) => Object.keys(of).length === 0);

function Actions({ tenant }: { readonly tenant: Tenant }) {
  const params = { tenant: tenant.id };
  const navigate = useNavigate();
  const [asks, setAsks] = useState<'change' | 'key' | 'export' | 'delete'>();
  const [deletion, setDeletion] = useState<TenantDeletion>();
  const [secret, setSecret] = useState<string>();
  const plans = useApi('GET /operator/v1/plans', { query: { limit: 100 } });
  const update = useChange('PATCH /operator/v1/tenants/{tenant}', stale);
  const client = useQueryClient();
  /** What is gone is not read again. */
  const leave = async () => {
    await navigate({ to: '/tenants' });
    await client.invalidateQueries({ queryKey: ['GET /operator/v1/tenants'] });
  };
  const suspend = useChange('POST /operator/v1/tenants/{tenant}/suspend', stale);
  const reactivate = useChange('POST /operator/v1/tenants/{tenant}/reactivate', stale);
  const remove = useChange('DELETE /operator/v1/tenants/{tenant}', []);
  const createKey = useChange('POST /operator/v1/tenants/{tenant}/keys', stale);
  return (
    <>
      <Button variant="default" onClick={() => setAsks('change')}>
        Change
      </Button>
      <Button variant="default" onClick={() => setAsks('key')}>
        New admin key
      </Button>
      <Button variant="default" onClick={() => setAsks('export')}>
        Export
      </Button>
      {tenant.status === 'suspended' ? (
        <Button loading={reactivate.isPending} onClick={() => reactivate.mutate({ params })}>
          Reactivate
        </Button>
      ) : (
        <ConfirmButton
          size="sm"
          label="Suspend"
          title={`Suspend ${tenant.name}?`}
          onConfirm={() => suspend.mutateAsync({ params })}
        >
          Its keys are refused within a second, what runs is stopped, and its webhooks wait.
        </ConfirmButton>
      )}
      <Button variant="default" onClick={() => setAsks('delete')}>
        Delete
      </Button>
      {reactivate.error && <FailureAlert error={reactivate.error} />}
      {asks === 'export' && (
        <ArchiveDialog
          operation="POST /operator/v1/tenants/{tenant}/export"
          params={params}
          name={tenant.name}
          slug={tenant.slug}
          onClose={() => setAsks(undefined)}
        />
      )}
      {asks === 'delete' && (
        <FormDialog
          title={`Delete ${tenant.name}?`}
          about="Its agents, memories, conversations, keys and files are erased and looked for again; invoices stay as the law asks. You get a signed certificate. This cannot be taken back: export it before."
          fields={[
            {
              name: 'slug',
              label: `Write ${tenant.slug} to delete it`,
              kind: 'text',
              required: true,
            },
          ]}
          initial={{ slug: '' }}
          submitLabel="Delete for good"
          isDangerous
          onSubmit={async ({ slug }) => {
            if (slug !== tenant.slug) throw new Error(`That is not its slug, ${tenant.slug}.`);
            setDeletion(await remove.mutateAsync({ params }));
          }}
          onClose={() => setAsks(undefined)}
        />
      )}
      {deletion && (
        <DeletionDialog
          name={tenant.name}
          deletion={deletion}
          askAgain={async () => setDeletion(await remove.mutateAsync({ params }))}
          onClose={() => void leave()}
        />
      )}
      {asks === 'change' && (
        <FormDialog
          title={`Change ${tenant.name}`}
          fields={[
            { name: 'name', label: 'Name', kind: 'text', required: true },
            {
              name: 'plan',
              label: 'Plan',
              kind: 'select',
              required: true,
              options: (plans.data?.data ?? []).map(({ id, name }) => ({ value: id, label: name })),
            },
          ]}
          initial={{ name: tenant.name, plan: tenant.plan }}
          submitLabel="Save"
          onSubmit={(body) => update.mutateAsync({ params, body })}
          onClose={() => setAsks(undefined)}
        />
      )}
      {asks === 'key' && (
        <FormDialog
          title="New admin key"
          about="For a tenant that has lost its own: a key with all permissions."
          fields={[{ name: 'name', label: 'Name', kind: 'text', required: true }]}
          initial={{ name: 'From the operator' }}
          submitLabel="Create key"
          onSubmit={async (body) => setSecret((await createKey.mutateAsync({ params, body })).secret)}
          onClose={() => setAsks(undefined)}
        />
      )}
      {secret !== undefined && (
        <SecretDialog
          title="New admin key"
          secrets={[{ label: 'Key', value: secret }]}
          onClose={() => setSecret(undefined)}
        />
      )}
    </>
  );
}
