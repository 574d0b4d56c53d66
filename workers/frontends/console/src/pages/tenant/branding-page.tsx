/** How the chat looks to visitors: set here, shown beside it as it will be, with a word about what could not be read. */
import {
  Alert,
  Button,
  ColorInput,
  FileButton,
  Group,
  NumberInput,
  Select,
  Stack,
  Switch,
  TagsInput,
  Text,
  TextInput,
} from '@mantine/core';
import { useState } from 'react';
import type { Branding, BrandingSettings } from '../../../../../../shared/contracts/branding.ts';
import { findColorWarnings } from '../../../../../../shared/core/color-warnings.ts';
import { ApiError } from '../../api/api-error.ts';
import { useApi, useChange } from '../../api/queries.ts';
import { Page, Panel } from '../../parts/page.tsx';
import { FailureAlert, Loaded } from '../../parts/states.tsx';
import { ChatPreview } from './chat-preview.tsx';

const MaxImageBytes = 200_000;
const colorNames = {
  accent: 'Accent',
  background: 'Background',
  text: 'Text',
  background_dark: 'Background, dark',
  text_dark: 'Text, dark',
} as const;

/** The platform's words, with the fields by the names that they have here. */
const inWords = (warning: string) =>
  warning.replaceAll(/colors\.(\w+)/g, (all, name: string) => colorNames[name as keyof typeof colorNames] ?? all);

export function BrandingPage() {
  const branding = useApi('GET /v1/branding');
  return (
    <Page
      title="Branding"
      about="Your chat as visitors see it, at this host and wherever you embed it."
      actions={
        <Button component="a" href="/" target="_blank" rel="noopener" variant="default">
          Open the chat
        </Button>
      }
    >
      <Loaded reading={branding}>{(found) => <Editor key={found.updated_at ?? ''} branding={found} />}</Loaded>
    </Page>
  );
}

function Editor({ branding }: { readonly branding: Branding }) {
  const { object: _, warnings: __, updated_at: ___, ...saved } = branding;
  const [draft, setDraft] = useState<BrandingSettings>(saved);
  const update = useChange('PATCH /v1/branding', ['/v1/branding', '/v1/chat/profile']);
  const set = (change: Partial<BrandingSettings>) => setDraft((before) => ({ ...before, ...change }));
  const warnings = findColorWarnings(draft.colors);
  const param = update.error instanceof ApiError ? update.error.param : undefined;
  const errorAt = (name: string) =>
    param === name || param?.startsWith(`${name}.`) ? update.error?.message : undefined;
  const isChanged = JSON.stringify(draft) !== JSON.stringify(saved);
  return (
    <div className="fh-split">
      <Stack>
        <Panel title="Name and marks">
          <Stack>
            <TextInput
              label="Name"
              description="The agent's name, where it is left open."
              value={draft.name ?? ''}
              error={errorAt('name')}
              onChange={(event) => set({ name: event.currentTarget.value === '' ? null : event.currentTarget.value })}
            />
            <div className="fh-halves">
              <ImageInput label="Logo" value={draft.logo} error={errorAt('logo')} onChange={(logo) => set({ logo })} />
              <ImageInput
                label="Icon"
                value={draft.favicon}
                error={errorAt('favicon')}
                onChange={(favicon) => set({ favicon })}
              />
            </div>
          </Stack>
        </Panel>
        <Panel
          title="Colours"
          about="What is drawn with them is moved until it can be read; what was chosen is warned of."
        >
          <div className="fh-grid">
            {(Object.keys(colorNames) as (keyof typeof colorNames)[]).map((name) => (
              <ColorInput
                key={name}
                label={colorNames[name]}
                placeholder="The platform's"
                format="hex"
                value={draft.colors[name] ?? ''}
                error={errorAt(`colors.${name}`)}
                onChange={(value) =>
                  set({
                    colors: { ...draft.colors, [name]: value === '' ? (name === 'accent' ? '#466a9f' : null) : value },
                  })
                }
                eyeDropperButtonProps={{ 'aria-label': 'Pick from the screen' }}
              />
            ))}
          </div>
          {warnings.length > 0 && (
            <Alert
              role="status"
              variant="default"
              className="fh-alert fh-alert-warn"
              mt="md"
              title="Not everybody can read this"
            >
              {warnings.map((warning) => (
                <Text key={warning} size="sm">
                  {inWords(warning)}
                </Text>
              ))}
            </Alert>
          )}
        </Panel>
        <Panel title="Shape">
          <div className="fh-grid">
            <Select
              label="Font"
              data={['system', 'serif', 'rounded', 'mono']}
              value={draft.font}
              onChange={(font) => font !== null && set({ font })}
              allowDeselect={false}
            />
            <Select
              label="Appearance"
              data={[
                { value: 'auto', label: "The reader's" },
                { value: 'light', label: 'Light' },
                { value: 'dark', label: 'Dark' },
              ]}
              value={draft.appearance}
              onChange={(appearance) =>
                appearance !== null && set({ appearance: appearance as BrandingSettings['appearance'] })
              }
              allowDeselect={false}
            />
            <NumberInput
              label="Radius in pixels"
              min={0}
              max={32}
              value={draft.radius_px}
              error={errorAt('radius_px')}
              onChange={(radius) => typeof radius === 'number' && set({ radius_px: radius })}
            />
          </div>
          <Switch
            mt="md"
            label="Say “powered by”"
            checked={draft.powered_by}
            onChange={(event) => set({ powered_by: event.currentTarget.checked })}
          />
        </Panel>
        <Panel title="Where it may stand">
          <TagsInput
            label="Sites"
            description="Origins whose pages may embed the chat: https://www.example.com"
            value={draft.allowed_origins}
            error={errorAt('allowed_origins')}
            onChange={(allowed_origins) => set({ allowed_origins })}
          />
        </Panel>
        {update.error && <FailureAlert error={update.error} />}
        <Group justify="flex-end">
          <Button variant="default" disabled={!isChanged} onClick={() => setDraft(saved)}>
            Undo
          </Button>
          <Button disabled={!isChanged} loading={update.isPending} onClick={() => update.mutate({ body: draft })}>
            Save
          </Button>
        </Group>
      </Stack>
      <Panel title="As visitors see it">
        <Stack>
          {(['light', 'dark'] as const)
            .filter((scheme) => draft.appearance === 'auto' || draft.appearance === scheme)
            .map((scheme) => (
              <ChatPreview key={scheme} settings={draft} scheme={scheme} />
            ))}
        </Stack>
      </Panel>
    </div>
  );
}

type ImageProps = {
  readonly label: string;
  readonly value: string | null;
  readonly error: string | undefined;
  readonly onChange: (value: string | null) => void;
};

function ImageInput({ label, value, error, onChange }: ImageProps) {
  const [fault, setFault] = useState<string>();
  const read = (file: File | null) => {
    if (!file) return;
    setFault(
      file.size > MaxImageBytes
        ? `It has ${Math.ceil(file.size / 1_000)} kB; at most ${MaxImageBytes / 1_000} fit.`
        : undefined,
    );
    if (file.size > MaxImageBytes) return;
    const reader = new FileReader();
    reader.addEventListener('load', () => onChange(String(reader.result)));
    reader.readAsDataURL(file);
  };
  return (
    <div>
      <Text size="sm" fw={500} mb={4}>
        {label}
      </Text>
      <Group gap="xs">
        {value !== null && <img className="fh-image" src={value} alt={`${label} as it is`} />}
        <FileButton accept="image/png,image/jpeg,image/webp,image/gif,image/svg+xml,image/x-icon" onChange={read}>
          {(props) => (
            <Button {...props} size="xs" variant="default" aria-label={`Choose a file: ${label.toLowerCase()}`}>
              Choose a file
            </Button>
          )}
        </FileButton>
        {value !== null && (
          <Button
            size="xs"
            variant="default"
            onClick={() => onChange(null)}
            aria-label={`Remove the ${label.toLowerCase()}`}
          >
            Remove
          </Button>
        )}
      </Group>
      {(fault ?? error) !== undefined && (
        <Text size="xs" c="var(--mantine-color-error)" mt={4} role="alert">
          {fault ?? error}
        </Text>
      )}
    </div>
  );
}
