/** The tenant itself: what is in force for it, stopping all of its runs at once, and taking everything along. */
import { Alert, Button } from '@mantine/core';
import { useState } from 'react';
import { useApi, useChange } from '../../api/queries.ts';
import { ArchiveDialog } from '../../parts/archive-dialog.tsx';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { formatNumber, formatTime, toWords } from '../../parts/format.ts';
import { Page, Panel } from '../../parts/page.tsx';
import { FailureAlert, Loaded } from '../../parts/states.tsx';
import { Facts, Id, Status } from '../../parts/values.tsx';

const stale = ['/v1/tenant'];

export function SettingsPage() {
  const [isExporting, setExporting] = useState(false);
  const reading = useApi('GET /v1/tenant');
  const stop = useChange('POST /v1/tenant/stop', stale);
  const resume = useChange('POST /v1/tenant/resume', stale);
  return (
    <Page title="Tenant" about="What is in force here, and what concerns all of it.">
      <Loaded reading={reading}>
        {(tenant) => (
          <>
            {tenant.runs_stopped && (
              <Alert role="status" variant="default" className="fh-alert fh-alert-warn" title="All runs are stopped">
                No agent answers and no task begins until they are let go on.
              </Alert>
            )}
            <Panel>
              <Facts
                of={[
                  ['State', <Status key="state" value={tenant.status} />],
                  ['Plan', tenant.plan.name],
                  ['Region', tenant.region ?? 'Anywhere'],
                  ['Since', formatTime(tenant.created_at)],
                  ['Id', <Id key="id" value={tenant.id} />],
                ]}
              />
            </Panel>
            <Panel title="Limits" about="By the plan, and where the operator departs from it.">
              <Facts
                of={Object.entries(tenant.limits).map(([name, limit]) => [
                  toWords(name),
                  limit === null ? 'None' : formatNumber(limit),
                ])}
              />
            </Panel>
            <Panel
              title="All runs"
              about="Turns that are under way are cancelled within a second, and none begins. All else stays open, so that you can look and repair."
              actions={
                tenant.runs_stopped ? (
                  <Button loading={resume.isPending} onClick={() => resume.mutate({})}>
                    Let them go on
                  </Button>
                ) : (
                  <ConfirmButton
                    size="sm"
                    label="Stop all runs"
                    title="Stop all runs?"
                    onConfirm={() => stop.mutateAsync({})}
                  >
                    Every agent falls silent at once, for visitors too, until you let them go on.
                  </ConfirmButton>
                )
              }
            >
              {resume.error && <FailureAlert error={resume.error} />}
              <Status
                value={tenant.runs_stopped ? 'suspended' : 'active'}
                label={tenant.runs_stopped ? 'Stopped' : 'Running'}
              />
            </Panel>
            <Panel
              title="Export"
              about="Agents, memories, conversations, ledger and audit trail as one file. It is yours; it is entered in the audit trail."
              actions={
                <Button variant="default" onClick={() => setExporting(true)}>
                  Export everything
                </Button>
              }
            >
              {null}
            </Panel>
            {isExporting && (
              <ArchiveDialog
                operation="POST /v1/exports"
                name={tenant.name}
                slug={tenant.slug}
                onClose={() => setExporting(false)}
              />
            )}
          </>
        )}
      </Loaded>
    </Page>
  );
}
