/** The registry of models: under which name each is asked for, which of its versions answers, where the nodes differ. */
import { Alert, Button, Group, Stack } from '@mantine/core';
import { useState } from 'react';
import type { ModelDefinition, RegisteredModel } from '../../../../../../shared/contracts/model-registry.ts';
import { useApi, useChange } from '../../api/queries.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { formatNumber, toWords } from '../../parts/format.ts';
import { Icon } from '../../parts/icon.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Age, Facts, Status } from '../../parts/values.tsx';
import { ModelForm } from './model-form.tsx';

const LiveMs = 5_000;
const stale = ['/operator/v1/models'];

export function ModelsPage() {
  const [editing, setEditing] = useState<Partial<ModelDefinition>>();
  const reading = useApi('GET /operator/v1/models', {}, { refetchInterval: LiveMs });
  const add = (
    <Button leftSection={<Icon name="plus" size={16} />} onClick={() => setEditing({})}>
      Register a model
    </Button>
  );
  return (
    <Page
      title="Model registry"
      about="A name of yours for what nodes serve: its versions, which of them answers, and who may ask. What is not in it is asked for by its own name."
      actions={add}
    >
      <Loaded reading={reading}>
        {({ data, unregistered }) => (
          <>
            {data.length === 0 && (
              <Empty icon="chip" title="No model is registered" action={add}>
                With a name of your own, versions change behind it, a canary takes a share, and a step back is one
                press.
              </Empty>
            )}
            {data.map((model) => (
              <Model key={model.id} model={model} onEdit={() => setEditing(model)} />
            ))}
            {unregistered.length > 0 && (
              <Panel title="Served, and not registered" about="Asked for by their own names, by everybody.">
                <DataTable
                  label="Unregistered models"
                  rows={unregistered}
                  rowKey={(name) => name}
                  columns={[
                    { name: 'Model', cell: (name) => <code>{name}</code> },
                    {
                      name: '',
                      align: 'right',
                      cell: (name) => (
                        <Button
                          size="xs"
                          variant="default"
                          aria-label={`Register ${name}`}
                          onClick={() => setEditing(suggest(name))}
                        >
                          Register
                        </Button>
                      ),
                    },
                  ]}
                />
              </Panel>
            )}
          </>
        )}
      </Loaded>
      {editing && <ModelForm model={editing} onClose={() => setEditing(undefined)} />}
    </Page>
  );
}

/** A first version of what a node announces, under a name that may stand in an address. */
function suggest(model: string): Partial<ModelDefinition> {
  const id = model
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+/g, '')
    .slice(0, 64);
  return { id, versions: [{ version: '1', model, digest: null, bridge: null, node: null }], current: '1' };
}

function Model({ model, onEdit }: { readonly model: RegisteredModel; readonly onEdit: () => void }) {
  const params = { registered_model: model.id };
  const [isCanary, setCanary] = useState(false);
  const put = useChange('POST /operator/v1/models', stale);
  const rollBack = useChange('POST /operator/v1/models/{registered_model}/rollback', stale);
  const remove = useChange('DELETE /operator/v1/models/{registered_model}', stale);
  const others = model.versions.filter(({ version }) => version !== model.current);
  const shareOf = (version: string) => {
    if (model.canary?.version === version) return `${model.canary.percent} %`;
    return version === model.current ? `${100 - (model.canary?.percent ?? 0)} %` : '–';
  };
  return (
    <Panel
      title={model.id}
      about={model.aliases.length === 0 ? undefined : `Also ${model.aliases.map(({ name }) => name).join(', ')}`}
      actions={
        <>
          <Button size="xs" variant="default" onClick={onEdit}>
            Change
          </Button>
          {others.length > 0 && (
            <Button size="xs" variant="default" onClick={() => setCanary(true)}>
              Canary
            </Button>
          )}
          {model.revision > 1 && (
            <ConfirmButton
              label="Roll back"
              ariaLabel={`Roll ${model.id} back`}
              title={`Roll ${model.id} back?`}
              onConfirm={() => rollBack.mutateAsync({ params, body: {} })}
            >
              It is again what revision {model.revision - 1} said, as a new revision.
            </ConfirmButton>
          )}
          <ConfirmButton
            label="Remove"
            ariaLabel={`Remove ${model.id}`}
            title={`Take ${model.id} out of the registry?`}
            onConfirm={() => remove.mutateAsync({ params })}
          >
            Whoever asks for it by this name is refused. What nodes announce is asked for by its own name.
          </ConfirmButton>
        </>
      }
    >
      <Stack>
        {model.drift.length > 0 && (
          <Alert
            role="status"
            variant="default"
            className="fh-alert fh-alert-warn"
            title="The nodes say something else"
          >
            <ul className="fh-list">
              {model.drift.map(({ version, about, expected, found }) => (
                <li key={`${version} ${about} ${expected}`}>
                  Version {version}, {toWords(about).toLowerCase()}: expected {expected}, found {found ?? 'nothing'}
                </li>
              ))}
            </ul>
          </Alert>
        )}
        <DataTable
          label={`Versions of ${model.id}`}
          rows={model.versions}
          rowKey={({ version }) => version}
          columns={[
            { name: 'Version', cell: ({ version }) => version },
            { name: 'Model', cell: ({ model: announced }) => <code>{announced}</code> },
            { name: 'Where', cell: ({ bridge, node }) => [bridge, node].filter(Boolean).join(' / ') || 'Any node' },
            {
              name: 'State',
              cell: ({ version }) =>
                version === model.current ? (
                  <Status value="live" label="Current" />
                ) : version === model.canary?.version ? (
                  <Status value="pending" label="Canary" />
                ) : (
                  <Status value="idle" label="Waits" />
                ),
            },
            { name: 'Share', cell: ({ version }) => shareOf(version), align: 'right' },
          ]}
        />
        <Facts
          of={[
            ['Revision', model.revision],
            ['Applied', <Age key="applied" at={model.applied_at} />],
            ['Licence', model.licence ?? '–'],
            ['Window', model.context_window === null ? '–' : `${formatNumber(model.context_window)} tokens`],
            ['For', model.tenants === null ? 'Everybody' : model.tenants.join(', ')],
          ]}
        />
        <Group gap="xs" hidden={others.length === 0}>
          {others.map(({ version }) => (
            <ConfirmButton
              key={version}
              label={`Make version ${version} the current one`}
              title={`Make version ${version} the current one?`}
              onConfirm={() => put.mutateAsync({ body: { ...definitionOf(model), current: version, canary: null } })}
            >
              All who ask for {model.id} get it within a second. Roll back to undo it.
            </ConfirmButton>
          ))}
        </Group>
      </Stack>
      {isCanary && (
        <FormDialog
          title={`Canary of ${model.id}`}
          about="A share of the requests goes to another version; a conversation stays with the one that it began with."
          fields={[
            {
              name: 'version',
              label: 'Version',
              kind: 'select',
              required: true,
              options: others.map(({ version }) => version),
              covers: ['canary'],
            },
            {
              name: 'percent',
              label: 'Share in percent, 0 for none',
              kind: 'number',
              required: true,
              min: 0,
              max: 100,
            },
          ]}
          initial={{
            version: model.canary?.version ?? others[0]?.version ?? '',
            percent: (model.canary?.percent ?? 5) as number | null,
          }}
          submitLabel="Save"
          onSubmit={({ version, percent }) =>
            put.mutateAsync({
              body: { ...definitionOf(model), canary: percent === null || percent === 0 ? null : { version, percent } },
            })
          }
          onClose={() => setCanary(false)}
        />
      )}
    </Panel>
  );
}

/** What was registered, without what the registry adds to it. */
export function definitionOf(model: RegisteredModel): ModelDefinition {
  const { object: _, revision: __, applied_at: ___, drift: ____, ...definition } = model;
  return definition;
}
