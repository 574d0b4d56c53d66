/** A model of the registry as it is put there: its name, and its whole definition where more than that is to be said. */
import type { ModelDefinition, RegisteredModel } from '../../../../../../shared/contracts/model-registry.ts';
import { useChange } from '../../api/queries.ts';
import { FormDialog } from '../../parts/form-dialog.tsx';

type Props = { readonly model: Partial<ModelDefinition> | RegisteredModel; readonly onClose: () => void };

export function ModelForm({ model, onClose }: Props) {
  const put = useChange('POST /operator/v1/models', ['/operator/v1/models']);
  const isNew = !('revision' in model);
  const versions = model.versions ?? [{ version: '1', model: '', digest: null, bridge: null, node: null }];
  return (
    <FormDialog
      title={isNew ? 'Register a model' : `Change ${model.id}`}
      about="It takes effect within a second, as a new revision."
      fields={[
        ...(isNew
          ? [
              {
                name: 'id' as const,
                label: 'Name',
                kind: 'text' as const,
                required: true,
                placeholder: 'assistant',
                about: 'What clients put into model.',
              },
            ]
          : []),
        {
          name: 'versions',
          label: 'Versions',
          kind: 'json',
          required: true,
          about: 'model: its id as nodes announce it. digest, bridge and node pin it down where they are given.',
        },
        { name: 'current', label: 'Current version', kind: 'text', required: true },
        { name: 'licence', label: 'Licence', kind: 'text', placeholder: 'apache-2.0' },
        { name: 'context_window', label: 'Window, in tokens', kind: 'number', min: 1 },
        { name: 'tenants', label: 'Only for these tenants', kind: 'tags', about: 'Ids. Left open: for everybody.' },
        { name: 'aliases', label: 'Other names for it', kind: 'tags' },
      ]}
      initial={{
        id: model.id ?? '',
        versions: JSON.stringify(versions, null, 2),
        current: model.current ?? '1',
        licence: model.licence ?? '',
        context_window: (model.context_window ?? null) as number | null,
        tenants: (model.tenants ?? []) as readonly string[],
        aliases: (model.aliases ?? []).map(({ name }) => name) as readonly string[],
      }}
      submitLabel={isNew ? 'Register' : 'Save'}
      onSubmit={({ id, versions: written, current, licence, context_window, tenants, aliases }) =>
        put.mutateAsync({
          body: {
            id,
            versions: parseVersions(written),
            current,
            licence: licence === '' ? null : licence,
            context_window,
            tenants: tenants.length === 0 ? null : [...tenants],
            aliases: aliases.map((name) => model.aliases?.find((known) => known.name === name) ?? { name }),
            operations: model.operations ?? [],
            dimensions: model.dimensions ?? null,
            canary: model.canary ?? null,
          },
        })
      }
      onClose={onClose}
    />
  );
}

/** What is no list is for the platform to refuse; what is no JSON cannot be sent. */
function parseVersions(text: string): ModelDefinition['versions'] {
  try {
    return JSON.parse(text) as ModelDefinition['versions'];
  } catch {
    throw new Error('The versions are no JSON.');
  }
}
