/**
 * The editor of an agent's definition: as a form, or as the JSON that it is. What is wrong is said at its field while it is
 * typed, by the same schema that the platform checks with. In a file of its own, because the schemas are large.
 */
import { Alert, Button, Group, JsonInput, SegmentedControl, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { agentDefinition, type Agent } from '../../../../../../shared/contracts/agents.ts';
import { useApi, useChange } from '../../api/queries.ts';
import { FieldInput, type Field, type Value } from '../../parts/fields.tsx';
import { Panel } from '../../parts/page.tsx';
import { getAt, setAt } from './definition-paths.ts';
import { SchemaHelp } from './schema-help.tsx';

type Draft = Readonly<Record<string, unknown>>;
type Issue = { readonly path: string; readonly message: string };

const sections: readonly { readonly title: string; readonly about?: string; readonly fields: readonly Field[] }[] = [
  {
    title: 'What it is',
    fields: [
      { name: 'instructions', label: 'Instructions', kind: 'area', about: 'Told to the model first in every turn.' },
      {
        name: 'greeting',
        label: 'Greeting',
        kind: 'text',
        about: 'What visitors read before they have asked anything.',
      },
      { name: 'goals', label: 'Goals', kind: 'tags', about: 'Enter adds one.' },
    ],
  },
  {
    title: 'Persona',
    fields: [
      { name: 'persona.role', label: 'Role', kind: 'text' },
      { name: 'persona.tone', label: 'Tone', kind: 'text' },
      { name: 'persona.traits', label: 'Traits', kind: 'tags' },
      { name: 'persona.avoids', label: 'Avoids', kind: 'tags' },
    ],
  },
  {
    title: 'Tools and memory',
    about: 'Tools of the kinds function, http, openapi, mcp and builtin. A credential is the name of a secret.',
    fields: [
      { name: 'tools', label: 'Tools', kind: 'json' },
      {
        name: 'memory_schema',
        label: 'What is worth remembering',
        kind: 'json',
        about: 'For agents with memory_write.',
      },
      { name: 'memory.max', label: 'Most memories', kind: 'number', min: 1, max: 2_000_000 },
    ],
  },
  {
    title: 'Limits of one turn',
    fields: [
      { name: 'limits.max_output_tokens', label: 'Output tokens', kind: 'number' },
      { name: 'limits.recall', label: 'Memories recalled', kind: 'number' },
      { name: 'limits.timeout_seconds', label: 'Seconds', kind: 'number' },
      { name: 'limits.max_steps', label: 'Calls of the model', kind: 'number' },
      { name: 'limits.max_tool_calls', label: 'Calls of tools', kind: 'number' },
      { name: 'limits.concurrent_tasks', label: 'Tasks at once', kind: 'number' },
    ],
  },
];

export default function AgentEditor({ agent }: { readonly agent: Agent }) {
  const [draft, setDraft] = useState<Draft>(agent.definition);
  /** Fields of the kind `json` as they are typed, while they cannot be read. */
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  const [mode, setMode] = useState<'form' | 'json'>('form');
  const update = useChange('PATCH /v1/agents/{agent}', ['/v1/agents']);
  const models = useApi('GET /v1/models');

  const issues = [...findIssues(draft), ...unreadable(texts)];
  const isChanged = JSON.stringify(draft) !== JSON.stringify(agent.definition);
  const save = (publish: boolean) =>
    update.mutate({
      params: { agent: agent.slug },
      body: { definition: agentDefinition.parse(draft), publish },
    });
  const issueAt = (name: string) => issues.find(({ path }) => path === name || path.startsWith(`${name}.`))?.message;
  const input = (field: Field) => (
    <FieldInput
      key={field.name}
      field={field}
      value={
        field.kind === 'json'
          ? (texts[field.name] ?? asJson(getAt(draft, field.name)))
          : (getAt(draft, field.name) as Value)
      }
      error={issueAt(field.name)}
      onChange={(value) => {
        if (field.kind !== 'json') return setDraft(setAt(draft, field.name, value ?? undefined));
        const text = String(value);
        const parsed = parse(text);
        setTexts(withText(texts, field.name, parsed.ok ? undefined : text));
        if (parsed.ok) setDraft(setAt(draft, field.name, parsed.value));
      }}
    />
  );
  const modelNames = (models.data?.data ?? []).map(({ id }) => id).filter((id) => !id.startsWith('agent/'));
  const model: Field = {
    name: 'model',
    label: 'Model',
    kind: 'select',
    required: true,
    options: [...new Set(['default', agent.definition.model, ...modelNames])],
  };
  const sovereignty: Field = {
    name: 'sovereignty',
    label: 'Where it may run',
    kind: 'select',
    required: true,
    options: [
      { value: 'own_hardware', label: 'Own hardware only' },
      { value: 'external_allowed', label: 'External nodes as well' },
    ],
  };

  return (
    <Stack>
      <Group justify="space-between">
        <SegmentedControl
          aria-label="How to edit"
          value={mode}
          onChange={(next) => setMode(next as 'form' | 'json')}
          data={[
            { value: 'form', label: 'Form' },
            { value: 'json', label: 'JSON' },
          ]}
        />
        <Group gap="xs">
          <Button variant="default" disabled={!isChanged} onClick={() => (setDraft(agent.definition), setTexts({}))}>
            Undo
          </Button>
          <Button
            variant="default"
            disabled={!isChanged || issues.length > 0}
            loading={update.isPending}
            onClick={() => save(false)}
          >
            Save as a version
          </Button>
          <Button disabled={!isChanged || issues.length > 0} loading={update.isPending} onClick={() => save(true)}>
            Save and publish
          </Button>
        </Group>
      </Group>
      {update.error && (
        <Alert role="alert" variant="default" className="fh-alert fh-alert-bad" title="It was not saved">
          {update.error.message}
        </Alert>
      )}
      {mode === 'form' ? (
        <>
          <Panel title="Model">
            <div className="fh-halves">
              {input(model)}
              {input(sovereignty)}
            </div>
          </Panel>
          {sections.map(({ title, about, fields }) => (
            <Panel key={title} title={title} about={about}>
              {title.startsWith('Limits') || title === 'Persona' ? (
                <div className="fh-grid">{fields.map(input)}</div>
              ) : (
                <Stack>{fields.filter((field) => isEditable(draft, field)).map(input)}</Stack>
              )}
            </Panel>
          ))}
        </>
      ) : (
        <div className="fh-split">
          <Panel title="Definition">
            <JsonInput
              aria-label="Definition as JSON"
              className="fh-code"
              autosize
              minRows={18}
              maxRows={40}
              value={texts[''] ?? JSON.stringify(draft, null, 2)}
              onChange={(text) => {
                const parsed = parse(text);
                const isObject =
                  parsed.ok &&
                  typeof parsed.value === 'object' &&
                  parsed.value !== null &&
                  !Array.isArray(parsed.value);
                setTexts({ '': text });
                if (isObject) setDraft(parsed.value as Draft);
              }}
              onBlur={() => parse(texts[''] ?? '').ok && setTexts({})}
            />
            <Issues issues={issues} />
          </Panel>
          <SchemaHelp schema={agentDefinition} />
        </div>
      )}
    </Stack>
  );
}

function Issues({ issues }: { readonly issues: readonly Issue[] }) {
  if (issues.length === 0) return null;
  return (
    <Alert role="alert" variant="default" className="fh-alert fh-alert-bad" mt="md" title="What is not right yet">
      {issues.map(({ path, message }) => (
        <Text key={`${path} ${message}`} size="sm">
          <code>{path === '' ? 'definition' : path}</code>: {message}
        </Text>
      ))}
    </Alert>
  );
}

function findIssues(draft: Draft): readonly Issue[] {
  const parsed = agentDefinition.safeParse(draft);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
}

function unreadable(texts: Readonly<Record<string, string>>): readonly Issue[] {
  return Object.entries(texts).flatMap(([path, text]) => (parse(text).ok ? [] : [{ path, message: 'is not JSON' }]));
}

function withText(texts: Readonly<Record<string, string>>, name: string, text: string | undefined) {
  const { [name]: _, ...rest } = texts;
  return text === undefined ? rest : { ...rest, [name]: text };
}

function parse(text: string): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  try {
    return { ok: true, value: text.trim() === '' ? undefined : (JSON.parse(text) as unknown) };
  } catch {
    return { ok: false };
  }
}

const asJson = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value, null, 2));

/** A greeting by rules is not a line of text: it is edited as JSON. */
function isEditable(draft: Draft, { name, kind }: Field): boolean {
  return kind !== 'text' || typeof (getAt(draft, name) ?? '') === 'string';
}
